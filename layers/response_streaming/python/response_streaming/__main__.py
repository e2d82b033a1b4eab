from response_streaming.runtime import main

main()
