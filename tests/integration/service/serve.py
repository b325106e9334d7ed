"""A server that ends with the test run: ``python -m tests.integration.service.serve uvicorn ...``.

Uvicorn's workers import this module, too, and so end with theirs. Gunicorn's look for their parent by themselves.
"""

import runpy
import sys

from tests.children import end_with_parent

end_with_parent()

if __name__ == "__main__":
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__")
