"""The parts of the Compose Specification that our files use; anything else is a typing error."""

from __future__ import annotations

DURATION = {"type": "string", "pattern": r"^(\d+(\.\d+)?(us|ms|s|m|h))+$"}
VARIABLE_OR_SIZE = {"type": "string", "pattern": r"^(\$\{[A-Z_]+:-\d+[bkmg]\}|\d+[bkmg])$"}
VARIABLE_OR_NUMBER = {"type": "string", "pattern": r"^(\$\{[A-Z_]+:-[\d.]+\}|[\d.]+)$"}
#: a folder of the machine may be named by a variable
VOLUME = r"^([^:$]+|\$\{[A-Z_]+:-/[^:}]+\}):/[^:]*(:(ro|rw|z|Z))?$"
STRINGS = {"type": "array", "items": {"type": "string"}, "uniqueItems": True}
LIMITS = {
    "type": "object",
    "properties": {
        "cpus": VARIABLE_OR_NUMBER,
        "memory": VARIABLE_OR_SIZE,
        "pids": {"type": "integer", "minimum": 1},
    },
    "additionalProperties": False,
}
DEVICES = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"driver": {"type": "string"}, "device_ids": STRINGS, "capabilities": STRINGS},
        "required": ["capabilities"],
        "additionalProperties": False,
    },
}
RESERVATIONS = {**LIMITS, "properties": {**LIMITS["properties"], "devices": DEVICES}}
HEALTHCHECK = {
    "type": "object",
    "properties": {
        "test": {"type": "array", "prefixItems": [{"enum": ["CMD", "CMD-SHELL", "NONE"]}], "minItems": 1},
        "interval": DURATION,
        "timeout": DURATION,
        "start_period": DURATION,
        "retries": {"type": "integer", "minimum": 1},
    },
    "required": ["test"],
    "additionalProperties": False,
}
SERVICE = {
    "type": "object",
    "properties": {
        "build": {
            "type": ["string", "object"],
            "properties": {"context": {"type": "string"}, "args": {"type": "object"}},
            "required": ["context"],
            "additionalProperties": False,
        },
        "image": {"type": "string"},
        "entrypoint": {**STRINGS, "uniqueItems": False},
        "command": {"type": ["string", "array"], "items": {"type": "string"}},
        "init": {"type": "boolean"},
        "user": {"type": "string"},
        "restart": {"type": "string", "pattern": r"^(no|always|unless-stopped|on-failure(:\d+)?)$"},
        "stop_grace_period": DURATION,
        "ports": {**STRINGS, "items": {"type": "string", "pattern": r"^(.+:)?\d+(/(tcp|udp))?$"}},
        "environment": {
            "type": "object",
            "patternProperties": {r"^[A-Z_]+$": {"type": ["string", "number", "null"]}},
            "additionalProperties": False,
        },
        "volumes": {**STRINGS, "items": {"type": "string", "pattern": VOLUME}},
        "networks": STRINGS,
        "depends_on": {
            "type": ["array", "object"],
            "items": {"type": "string"},
            "additionalProperties": {
                "type": "object",
                "properties": {"condition": {"enum": ["service_started", "service_healthy"]}},
                "required": ["condition"],
                "additionalProperties": False,
            },
        },
        "extends": {
            "type": "object",
            "properties": {"file": {"type": "string"}, "service": {"type": "string"}},
            "required": ["service"],
            "additionalProperties": False,
        },
        "shm_size": VARIABLE_OR_SIZE,
        "ipc": {"enum": ["host", "private", "shareable"]},
        "read_only": {"type": "boolean"},
        "tmpfs": STRINGS,
        "cap_drop": STRINGS,
        "security_opt": STRINGS,
        "deploy": {
            "type": "object",
            "properties": {
                "resources": {
                    "type": "object",
                    "properties": {"limits": LIMITS, "reservations": RESERVATIONS},
                    "additionalProperties": False,
                }
            },
            "additionalProperties": False,
        },
        "healthcheck": HEALTHCHECK,
    },
    "additionalProperties": False,
}
NAMED = r"^[a-zA-Z0-9._-]+$"
COMPOSE = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "name": {"type": "string", "pattern": r"^[a-z0-9][a-z0-9_-]*$"},
        "services": {"type": "object", "patternProperties": {NAMED: SERVICE}, "additionalProperties": False},
        "volumes": {
            "type": "object",
            "patternProperties": {NAMED: {"type": ["object", "null"]}},
            "additionalProperties": False,
        },
        "networks": {
            "type": "object",
            "patternProperties": {
                NAMED: {
                    "type": ["object", "null"],
                    "properties": {"internal": {"type": "boolean"}},
                    "additionalProperties": False,
                }
            },
            "additionalProperties": False,
        },
    },
    # what is written once and merged into several services
    "patternProperties": {"^x-": {}},
    "required": ["services"],
    "additionalProperties": False,
}
