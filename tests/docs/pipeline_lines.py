#!/usr/bin/env python3
"""Prints the shell lines of a pipeline's YAML as JSON: a list of jobs, in the order in which they run.

Each job is {"name", "human" (whether a person lets it go), "again_on" (exit codes that are tried again), "stops_on" (those
that are not), "environment", "script"}. Knows GitHub Actions, GitLab CI and Kubernetes Jobs as docs/pipelines/ has them.
"""

import json
import re
import shlex
import sys

import yaml


def plain(environment):
    return {key: str(value) for key, value in (environment or {}).items() if "${{" not in str(value)}


def github(document):
    order = []
    jobs = document["jobs"]
    while len(order) < len(jobs):
        order += [name for name in jobs if name not in order and jobs[name].get("needs") in [None, *order]]
    for name in order:
        script = "\n".join(step["run"] for step in jobs[name]["steps"] if "run" in step)
        yield {"name": name, "human": "environment" in jobs[name], "script": script, "stops_on": [],
               "again_on": [int(code) for code in re.findall(r"-eq (\d+) ", script)],
               "environment": {**plain(document.get("env")), **plain(jobs[name].get("env"))}}


def gitlab(document):
    for stage in document["stages"]:
        for name, job in document.items():
            if not isinstance(job, dict) or job.get("stage") != stage:
                continue
            job = {**document[job["extends"]], **job}
            yield {"name": name, "human": job.get("when") == "manual", "script": "\n".join(job["script"]),
                   "again_on": job["retry"]["exit_codes"], "stops_on": [], "environment": plain(document["variables"])}


def kubernetes(documents):
    for job in documents:
        if job["kind"] != "Job":
            continue
        pod = job["spec"]["template"]["spec"]
        container = pod["containers"][0]
        stops = [rule["onExitCodes"]["values"] for rule in job["spec"]["podFailurePolicy"]["rules"]
                 if rule["action"] == "FailJob" and rule["onExitCodes"]["containerName"] == container["name"]]
        yield {"name": job["metadata"]["name"], "human": True, "script": shlex.join(container["command"]),
               "again_on": [75, 130, 143] if pod["restartPolicy"] == "Never" and job["spec"]["backoffLimit"] > 0 else [],
               "stops_on": stops[0], "environment": {each["name"]: each["value"] for each in container["env"]
                                                     if "value" in each}}


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        documents = list(yaml.safe_load_all(file))
    kind = github if "jobs" in documents[0] else gitlab if "stages" in documents[0] else kubernetes
    json.dump(list(kind(documents if kind is kubernetes else documents[0])), sys.stdout)


if __name__ == "__main__":
    main()
