# The part of awslambdaric 4.2.2, which has no types, that the streaming runtime stands on.
