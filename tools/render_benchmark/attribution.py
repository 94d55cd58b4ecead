"""ATTRIBUTION.md: creators and licenses of the models."""

from tools.render_benchmark import catalogue, models

HEADER = """# Attribution

The images show these 3D models, which the Debian package sweethome3d-furniture distributes
(https://www.sweethome3d.com). The models were scaled and rendered in scenes with other models.

| Used as | Model | Creator | Archive | Licence |
| --- | --- | --- | --- | --- |
"""


def table(objects: list[str]) -> str:
    """Returns the Markdown text for the given objects and all distractors."""
    uses = [(name, models.OBJECTS[name]) for name in objects]
    uses += [(f"distractor: {name}", place) for name, place in models.DISTRACTORS.items()]
    rows = []
    for use, place in uses:
        entry = catalogue.find(place)
        name, link = catalogue.LICENSES[entry.archive]
        rows.append(f"| {use} | {entry.name} | {entry.creator} | {place} | [{name}]({link}) |\n")
    return HEADER + "".join(rows)
