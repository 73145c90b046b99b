"""The form of every refusal: one sentence, the right exit status, no crash, memory that stays small."""

import resource
import unittest

MOST_MEMORY_KIB = 1 << 20


class RefusalTest(unittest.TestCase):
    @classmethod
    def tearDownClass(cls):
        most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        assert most < MOST_MEMORY_KIB, f"a command took {most} KiB of memory"

    def assert_refused(self, result, code, *parts):
        """One complaint that begins with `sqpsych: ` (a list of problems has a line for each) and has the parts."""
        self.assertEqual(result.code, code, result)
        self.assertEqual(len(result.sentences()), 1, result)
        complaint = result.err[result.err.index("sqpsych: "):]
        for part in parts:
            self.assertIn(part.lower(), complaint.lower(), result)
        self.assertLessEqual(len(complaint.splitlines()), 12, result)
        self.assertLess(max(map(len, complaint.splitlines())), 1000, result)
        self.assertNotIn("bug in sqpsych", result.err)
        self.assertNotIn("frame #", result.err)
