"""The one exception a user can cause."""


class UserError(Exception):
    """Bad input: the message is one line naming the file, key or value, what was expected, and what to do.

    The command line prints it without a traceback and exits with status 2.
    """
