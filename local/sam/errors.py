"""Errors that keep the API from being served under SAM.

SamStackError (RuntimeError)
├── AlreadyRunningError   another process serves from the same folder
├── DockerError           no engine or no Compose answers, or one of them refused; the message is theirs
├── SamError              SAM CLI is missing or ended, or a function does not answer
└── SynthError            the stack cannot be synthesized; CDK has printed the reason
"""


class SamStackError(RuntimeError):
    """The API cannot be served under SAM."""


class AlreadyRunningError(SamStackError):
    """Another process serves from the same folder."""


class DockerError(SamStackError):
    """No engine or no Compose answers, or one of them refused."""


class SamError(SamStackError):
    """SAM CLI is missing or ended, or a function does not answer."""


class SynthError(SamStackError):
    """The stack cannot be synthesized."""
