"""The challenge's first round: `{split}/batch{1..9}/label.csv`, which names the images beside it and their labels."""

import csv
import pathlib

from sdkd_tf.data.layouts.listing import SPLITS, Images, Layout, Listing, Part, locate, natural_key, task_names
from sdkd_tf.errors import UserError


def read(root: pathlib.Path) -> Layout:
    """Reads the batches in the order of their numbers; a class is named by its label, images keep the file's order."""
    tasks = []
    for name in task_names(root):
        tasks.append(Listing(name, {split: _read_batch(root, root / split / name) for split in SPLITS}))
    return Layout("csv", tasks)


def _read_batch(root: pathlib.Path, folder: pathlib.Path) -> Part:
    file = folder / "label.csv"
    if not file.is_file():
        problem = f"{file}: no such file; expected one in every batch of train, validation and test"
        return Part(str(file), {}, [problem])
    try:
        with open(file, newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream)
            rows = [(reader.line_num, row.get("file name"), row.get("label")) for row in reader]
            columns = reader.fieldnames or ()
    except (UnicodeDecodeError, csv.Error) as error:
        return Part(str(file), {}, [f"{file}: cannot be read ({error}); expected a CSV file in UTF-8"])
    if not {"file name", "label"} <= set(columns):
        problem = f"{file}: has the columns {', '.join(map(repr, columns))}; expected 'file name' and 'label'"
        return Part(str(file), {}, [problem])
    images: Images = {}
    problems: list[str] = []
    for line, name, label in rows:
        try:
            if not name or not label:
                raise UserError(f"{file}:{line}: lacks a value; expected a file name and a label")
            images.setdefault(label.strip(), []).append(locate(root, folder, name.strip(), f"{file}:{line}"))
        except UserError as error:
            problems.append(str(error))
    if not rows:
        problems.append(f"{file}: names no image; expected a line for every image")
    return Part(str(file), {label: images[label] for label in sorted(images, key=natural_key)}, problems)
