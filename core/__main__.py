"""The command line: python -m core COMMAND

cards | predict | explain | outline | screen | evaluate | calibrate | adapt | checklist | export
"""

import importlib
import os
import sys
from collections.abc import Sequence

from core.command_line.arguments import parser
from core.errors import OpacityError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns 0 when done, 2 on bad usage or when nothing could be read."""
    options = parser().parse_args(arguments)
    module, function = options.run
    try:
        # here, not above: whoever lists the cards need not wait for torch
        run = getattr(importlib.import_module(f"core.command_line.{module}"), function)
        code = int(run(options))
        sys.stdout.flush()
        return code
    except OpacityError as error:
        print(error, file=sys.stderr)
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left has somewhere to go
        return 0
    except OSError as error:
        print(f"{error.filename} cannot be opened: {error.strerror}.", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
