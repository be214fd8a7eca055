# SPDX-License-Identifier: MIT
#
# test_schema.py - documents of many kinds of runs against the published schemas: as they are, and
# with every object closed, so that no field is undocumented; and the other way round, no field of a
# schema that nothing has.

import copy
import csv
import io
import json
import re
import tempfile
import unittest

from jsonschema import Draft202012Validator

from documents import SANITIZED, Documents, churn

SCHEMAS = "result", "comparison", "selftest", "faults", "show", "explore", "history"
# What only some machines have: a fit needs four thread counts that fit the CPUs, a foreign process may
# send a signal, hwloc may be missing.
SELDOM = {"lambda_ops_per_second", "sigma", "kappa", "peak_threads", "r2", "thread_counts", "signal_sent_by",
          "packages", "cores", "numa_nodes", "cache_line_bytes", "l1d_bytes", "l2_bytes", "l3_bytes"}
# What a description names in parentheses.
UNIT = re.compile(r"\((\w[^()]*)\)")


def subschemas(schema):
    yield schema
    for part in ("properties", "$defs"):
        for value in schema.get(part, {}).values():
            yield from subschemas(value)
    for part in ("items", "additionalProperties"):
        if isinstance(schema.get(part), dict):
            yield from subschemas(schema[part])
    for value in schema.get("anyOf", []):
        yield from subschemas(value)


def closed(schema):
    """The same schema, without a place for what it does not name."""
    schema = copy.deepcopy(schema)
    for part in subschemas(schema):
        if "properties" in part:
            part.setdefault("additionalProperties", False)
    return schema


def seen(schema, root, value, found):
    """Adds each (object of the schema, property) that the document has."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        seen(root["$defs"][name], root, value, found)
    for part in schema.get("anyOf", []):
        if value is not None:
            seen(part, root, value, found)
    if isinstance(value, dict):
        for name, child in value.items():
            if name in schema.get("properties", {}):
                found.add((id(schema), name))
                seen(schema["properties"][name], root, child, found)
            elif isinstance(schema.get("additionalProperties"), dict):
                seen(schema["additionalProperties"], root, child, found)
    if isinstance(value, list) and "items" in schema:
        for child in value:
            seen(schema["items"], root, child, found)


class Schema(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.documents = Documents(folder.name)
        cls.schemas = {}
        for name in SCHEMAS:
            done = cls.documents.call("schema", name)
            assert (done.returncode, done.stderr) == (0, "")
            cls.schemas[name] = json.loads(done.stdout)
        cls.documents.make_all()
        cls.made = cls.documents.made

    def errors(self, schema, document):
        return ["%s: %s" % ("/".join(map(str, error.absolute_path)), error.message[:200])
                for error in Draft202012Validator(schema).iter_errors(document)]

    def test_schemas_are_schemas(self):
        for schema in self.schemas.values():
            Draft202012Validator.check_schema(schema)

    def test_documents_are_valid(self):
        for kind, (name, document) in self.made.items():
            with self.subTest(kind):
                self.assertEqual(self.errors(self.schemas[name], document), [])

    def test_no_field_is_undocumented(self):
        for kind, (name, document) in self.made.items():
            with self.subTest(kind):
                self.assertEqual(self.errors(closed(self.schemas[name]), document), [])

    @unittest.skipIf(SANITIZED, "fewer kinds of runs")
    def test_no_field_is_described_in_vain(self):
        for name, schema in self.schemas.items():
            found = set()
            for kind, document in self.made.values():
                if kind == name:
                    seen(schema, schema, document, found)
            for part in subschemas(schema):
                # The comparison of a result has a schema of its own, whose documents show it.
                for prop in part.get("properties", {}):
                    with self.subTest(schema=name, of=part.get("description"), property=prop):
                        self.assertTrue((id(part), prop) in found or prop in SELDOM)

    def test_each_field_is_described(self):
        for name, schema in self.schemas.items():
            for part in subschemas(schema):
                for prop, value in part.get("properties", {}).items():
                    value = value if "$ref" not in value else schema["$defs"][value["$ref"].rsplit("/", 1)[1]]
                    with self.subTest(schema=name, property=prop):
                        self.assertIn("description", value)

    def test_units_are_those_of_the_names(self):
        for name, schema in self.schemas.items():
            for part in subschemas(schema):
                for prop, value in part.get("properties", {}).items():
                    units = UNIT.findall(value.get("description", ""))
                    for suffix, unit in (("_bytes_per_ns", "bytes/ns"), ("_ns", "ns"), ("_bytes", "bytes"),
                                         ("_share", "share")):
                        if prop.endswith(suffix) and not ("_per_" in prop and "/" not in unit) and "unit_bytes" not in prop and "log2" not in prop:
                            with self.subTest(schema=name, property=prop):
                                self.assertIn(unit, units)

    def test_metrics_are_those_of_the_tables(self):
        job = self.documents.write("metrics.ini", churn("null", "ops = 100"))
        rows = csv.reader(io.StringIO(self.documents.call("run", job, "--csv", "-").stdout))
        columns = [column.rstrip(")").split(" (") for column in next(rows) if " (" in column]
        metrics = self.schemas["result"]["$defs"]["metrics"]
        self.assertEqual(sorted(name for name, _ in columns if name != "seconds"), sorted(metrics["properties"]))
        for name, unit in columns:
            if name != "seconds":
                self.assertIn("(%s); null" % unit, metrics["properties"][name]["description"])

    def test_the_comparison_in_a_result_is_the_comparison(self):
        alone, inside = self.schemas["comparison"], self.schemas["result"]["$defs"]["comparison"]
        for part in "required", "properties":
            self.assertEqual(alone[part], inside[part])
        self.assertEqual(self.made["baseline regressed"][1]["comparison"]["schema"], "mems-stress-comparison/1")

    def test_the_validator_can_say_no(self):
        """Without a field, or with one of another type, it is no such document any more."""
        for kind in ("pass", "compare", "show", "faults"):
            name, good = self.made[kind]
            schema = self.schemas[name]
            validator = Draft202012Validator(schema)
            self.assertTrue(validator.is_valid(good))
            for key in schema["required"]:
                dropped = {k: v for k, v in good.items() if k != key}
                self.assertFalse(validator.is_valid(dropped), (kind, key))
                self.assertFalse(validator.is_valid({**good, key: [{"no": "such thing"}]}), (kind, key))
        cell = Draft202012Validator({"$ref": "#/$defs/cell", "$defs": self.schemas["result"]["$defs"]})
        good = next(cell for cell in self.made["pass"][1]["cells"] if cell["target"] == "libc")
        self.assertTrue(cell.is_valid(good))
        for path, bad in ((("report", "wall_ns"), "1 ms"), (("report", "latency", "alloc", "p50_ns"), -1),
                          (("report", "memory", "live_bytes"), 0.5),
                          (("metrics", "ops_per_second"), True), (("verdict",), "passed"),
                          (("report", "samples", "rss_bytes"), ["1"]), (("report", "steady"), {"reached": 1})):
            wrong = copy.deepcopy(good)
            at = wrong
            for step in path[:-1]:
                at = at[step]
            at[path[-1]] = bad
            self.assertFalse(cell.is_valid(wrong), path)
            del at[path[-1]]
            self.assertFalse(cell.is_valid(wrong), path)

    def test_closing_closes(self):
        document = copy.deepcopy(self.made["pass"][1])
        document["host"]["colour"] = "blue"
        self.assertEqual(self.errors(self.schemas["result"], document), [])
        self.assertEqual(len(self.errors(closed(self.schemas["result"]), document)), 1)

    def test_what_is_there_to_choose(self):
        listed = self.documents.call("schema", "--list").stdout.splitlines()
        self.assertEqual([line.split()[0] for line in listed], list(SCHEMAS))
        for line in listed:
            name, document = line.split()[:2]
            self.assertEqual(self.schemas[name]["properties"]["schema"]["const"], document)
            self.assertEqual(json.loads(self.documents.call("schema", document).stdout), self.schemas[name])
        self.assertEqual(json.loads(self.documents.call("schema").stdout), self.schemas["result"])
        wrong = self.documents.call("schema", "resutl")
        self.assertEqual((wrong.returncode, wrong.stdout), (1, ""))
        self.assertIn('did you mean "result"?', wrong.stderr)


if __name__ == "__main__":
    unittest.main()
