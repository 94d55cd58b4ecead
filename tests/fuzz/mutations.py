"""Small damages to bytes, to JSON and to the objects of a .tflite, drawn from a random generator."""

import copy
import random

import numpy as np

NUMBERS = (
    0,
    1,
    -1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    16,
    100,
    127,
    128,
    -128,
    255,
    256,
    1000,
    65535,
    1 << 20,
    1 << 31,
    (1 << 31) - 1,
)
FLOATS = (0.0, -1.0, 1e-45, 1e-29, 1e-9, 1e-3, 1.0, 1e3, 1e9, 1e29, float("inf"), float("nan"))
TEXTS = (
    "",
    "/etc/passwd",
    "../x",
    "..",
    ".",
    "a/../../x",
    "\0",
    "\n",
    "\r",
    '"',
    ",",
    "\u2028",
    "\ufeff",
    "x" * 300,
    "x" * 5000,
)
JSON_VALUES = (
    None,
    True,
    -1,
    0,
    0.5,
    10**30,
    1e308,
    float("nan"),
    "",
    "x",
    "../../x",
    "/etc/passwd\0",
    [],
    [[]],
    [None],
    {},
    {"a": 1},
)


def mutate_bytes(rng, content, until=None):
    """Overwrites, removes, repeats or cuts some bytes, up to three times.

    Args:
      rng: a `random.Random`.
      content: bytes.
      until: where the part ends that is worth it, such as a header.
    """
    content = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 3))):
        at = rng.randrange(max(1, min(len(content), until or len(content))))
        kind = rng.randrange(8)
        if kind < 3:
            content[at : at + 1] = bytes([rng.randrange(256)])
        elif kind < 6:
            size = rng.choice((1, 2, 4, 8))
            content[at : at + size] = (rng.choice(NUMBERS) % (1 << 8 * size)).to_bytes(size, "little")
        elif kind == 6:
            end = at + rng.randrange(1, 40)
            content[at:end] = b"" if rng.randrange(2) else content[at:end] * 2
        elif rng.randrange(4) == 0:
            del content[at:]
    return bytes(content)


def mutate_json(rng, value):
    """Replaces, removes or doubles one part of what JSON holds."""
    value = copy.deepcopy(value)
    places = list(_places(value, []))
    *path, last = rng.choice(places)
    holder = value
    for step in path:
        holder = holder[step]
    kind = rng.randrange(6)
    if kind == 0:
        del holder[last]
    elif kind == 1 and isinstance(holder, list):
        holder.insert(last, holder[last])
    elif kind == 2:
        holder[last] = copy.deepcopy(rng.choice([_at(value, place) for place in places]))
    else:
        holder[last] = rng.choice(JSON_VALUES)
    return value


def _places(value, path):
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in items:
        yield [*path, key]
        yield from _places(part, [*path, key])


def _at(value, path):
    for step in path:
        value = value[step]
    return value


def mutate_model(rng, model):
    """Changes up to three numbers, vectors or parts of a `schema.ModelT`, in place."""
    for _ in range(rng.choice((1, 1, 2, 3))):
        fields = [(part, name) for part in _objects(model) for name in vars(part)]
        part, name = rng.choice(fields)
        setattr(part, name, _changed(rng, getattr(part, name), fields, name))
    return model


def _objects(part):
    yield part
    for value in vars(part).values():
        for item in value if isinstance(value, list) else [value]:
            if hasattr(item, "__dict__") and type(item).__name__.endswith("T"):
                yield from _objects(item)


def _changed(rng, value, fields, name):
    if rng.randrange(4) == 0:  # what another object has there
        return copy.deepcopy(getattr(*rng.choice([field for field in fields if field[1] == name])))
    if isinstance(value, (bool, int, np.integer)):
        return rng.choice(NUMBERS[:14])
    if isinstance(value, (float, np.floating)):
        return rng.choice(FLOATS)
    if isinstance(value, np.ndarray) and len(value):
        value = np.array(value)
        if rng.randrange(4) == 0:
            return value[: rng.randrange(len(value))] if rng.randrange(2) else np.concatenate([value, value])
        at, floating = rng.randrange(len(value)), value.dtype.kind == "f"
        number = rng.choice(FLOATS) if floating else rng.choice(NUMBERS)
        value[at] = number if floating else np.array(number).astype(value.dtype)
        return value
    if isinstance(value, list) and value:
        value, at = list(value), rng.randrange(len(value))
        kind = rng.randrange(3)
        if kind == 0:
            del value[at]
        elif kind == 1:
            value.append(value[at])
        else:
            value[at], value[0] = value[0], value[at]
        return value
    return None


def generator(name, seed):
    """The random generator of a case."""
    return random.Random(f"{name} {seed}")
