"""The benchmark on a very small table: it runs to its end, figures are what they say, and its files can be read."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "bench"))
sys.dont_write_bytecode = True

from chart import chart  # noqa: E402
from measure import figure, percentile  # noqa: E402
from report import markdown  # noqa: E402


def run(program, build, *arguments):
    (build / "bin").mkdir()
    (build / "bin" / "falsework").symlink_to(program)
    return subprocess.run([SOURCE / "bench" / "run.sh", *arguments], env=dict(os.environ, FALSEWORK_BUILD=str(build)),
                          capture_output=True, text=True, check=False)


class Whole(unittest.TestCase):
    program = ""

    def test_a_small_run_measures_and_writes_its_files(self):
        with tempfile.TemporaryDirectory() as name:
            build = pathlib.Path(name)
            done = run(self.program, build, "--quick", "--rows", "20000", "--no-pgroll", "--only",
                       "copy,in_place,resume")
            self.assertEqual(done.returncode, 0, done.stderr)
            result = json.loads((build / "bench" / "bench.json").read_text(encoding="utf-8"))
            figures = {each["key"]: each for each in result["figures"]}
            self.assertEqual(done.stdout.splitlines()[0], markdown(result).splitlines()[0])
            xml.etree.ElementTree.parse(build / "bench" / "bench.svg")
        for change in ("set_not_null", "add_foreign_key", "widening_type_change"):
            self.assertEqual(figures[f"rewritten_{change}"]["value"], 0)
        # Sizes do not depend on how busy the machine is. A new version of each row doubles the heap; stripes do not.
        self.assertLess(figures["heap"]["value"], 1.4)
        self.assertLess(figures["wal"]["value"], 0.8)
        self.assertGreater(figures["hot"]["value"], 0.5)
        self.assertEqual(set(result["seconds"]), {"copy", "in_place", "resume"})

    def test_a_part_that_is_not_there_is_refused_by_name(self):
        with tempfile.TemporaryDirectory() as name:
            done = run(self.program, pathlib.Path(name), "--only", "copy,speed")
        self.assertEqual(done.returncode, 2)
        self.assertIn("no such part: speed", done.stderr)


class Report(unittest.TestCase):
    def result(self):
        return {"rows": 1000, "rounds": 3, "server": "15", "cores": 2, "processor": "a <fast> one",
                "shared_buffers_mb": 512,
                "figures": [figure("reached", 4.0, 3.5, True, "", "a"), figure("missed", 1.5, 1.2, False, "", "b"),
                            figure("none at all", 0, 0, False, "", "c")],
                "scaling": {"rows": {"100": {"falsework": 5.0, "update": 2.0, "pgroll": None},
                                     "1000": {"falsework": 6.0, "update": 1.0, "pgroll": 0.5}}, "workers": {2: 6.0}}}

    def test_a_goal_is_met_from_its_side(self):
        self.assertEqual([each["met"] for each in self.result()["figures"]], [True, False, True])

    def test_the_tables_show_the_sizes_in_order_and_a_gap_where_nothing_was_measured(self):
        rows = [line for line in markdown(self.result()).splitlines() if line.startswith("| 1")]
        self.assertEqual(rows, ["| 100 | 5 | 2 | – |", "| 1,000 | 6 | 1 | 0 |"])

    def test_the_chart_is_a_document_whatever_the_words_in_it(self):
        root = xml.etree.ElementTree.fromstring(chart(self.result(), "a <fast> one"))
        words = [each.text for each in root.iter("{http://www.w3.org/2000/svg}text")]
        self.assertIn("a <fast> one", words)
        self.assertEqual(words.count("missed"), 2)  # the figure of that name, and what became of it

    def test_a_percentile_is_one_of_the_values(self):
        self.assertEqual(percentile(list(range(100)), 0.99), 99)
        self.assertEqual(percentile([7], 0.5), 7)


if __name__ == "__main__":
    Whole.program = os.path.abspath(sys.argv.pop(1))
    unittest.main()
