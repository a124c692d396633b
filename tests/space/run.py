"""Runs every test of this folder and ends with `N passed, N failed`, skips with their reasons before it."""

import faulthandler
import logging
import sys
import unittest
import warnings
from pathlib import Path

MOST_SECONDS = 300

if __name__ == "__main__":
    # A hanging test ends with every thread's stack instead of a silent wait.
    faulthandler.dump_traceback_later(MOST_SECONDS, exit=True)
    warnings.filterwarnings("ignore", module="gradio")
    logging.getLogger("space").propagate = False
    folder = Path(__file__).parent
    suite = unittest.TestSuite()
    for file in sorted(folder.glob("test_*.py")):
        suite.addTests(unittest.defaultTestLoader.discover(str(folder), file.name))
    result = unittest.TextTestRunner(verbosity=2, warnings="ignore" if not sys.warnoptions else None).run(suite)
    for test, reason in result.skipped:
        print(f"skipped: {reason}")
    failed = len({str(test).split(" (")[0] for test, _ in result.failures + result.errors})
    print(f"{result.testsRun - failed - len(result.skipped)} passed, {failed} failed")
    sys.exit(1 if failed else 0)
