"""Asks an independent validator (python3-jsonschema) whether the published JSON Schema accepts what it should.

Every file of valid/ must be accepted and every file of invalid/ refused; change_schema_test.cpp asks the same of the
reader, so that the two can never disagree about these files.
"""
import json
import pathlib
import sys

from jsonschema import Draft202012Validator

here = pathlib.Path(__file__).resolve().parent
schema = json.loads((here / "../../plans/schema/change.schema.json").read_text(encoding="utf-8"))
Draft202012Validator.check_schema(schema)
validator = Draft202012Validator(schema)

mistakes = []
for folder, wanted in (("valid", True), ("invalid", False)):
    files = sorted((here / folder).glob("*.json"))
    if len(files) < 15:
        mistakes.append(f"{folder}: only {len(files)} files")
    for file in files:
        errors = [error.message for error in validator.iter_errors(json.loads(file.read_text(encoding="utf-8")))]
        if (not errors) != wanted:
            mistakes.append(f"{folder}/{file.name}: {'; '.join(errors) or 'accepted'}")

# The examples that editors show must be right themselves.
for name, definition in schema["$defs"].items():
    for example in definition.get("examples", []):
        sub = validator.evolve(schema={"$ref": f"#/$defs/{name}", "$defs": schema["$defs"]})
        for error in sub.iter_errors(example):
            mistakes.append(f"example of {name}: {error.message}")

print("\n".join(mistakes) or "the schema accepts and refuses as it should")
sys.exit(1 if mistakes else 0)
