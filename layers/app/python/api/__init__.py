"""HTTP for the functions: what comes in, what goes out, and which status says what went wrong.

Nothing here imports an agent or Strands: `functions/sessions` starts without them.
"""
