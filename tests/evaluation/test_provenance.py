import subprocess

import numpy as np
import tensorflow as tf

from sdkd_tf.evaluation import provenance


def test_versions_are_those_of_what_is_imported():
    versions = provenance.provenance().versions
    assert versions["numpy"] == np.__version__ and versions["tensorflow"] == tf.__version__


def test_commit_is_that_of_the_package_and_tells_changes(tmp_path, monkeypatch):
    def git(*arguments):
        command = ["git", "-C", tmp_path, "-c", "user.name=x", "-c", "user.email=x", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    (tmp_path / "package").mkdir()
    monkeypatch.setattr(provenance, "__file__", str(tmp_path / "package" / "evaluation" / "provenance.py"))
    assert provenance.provenance().commit is None
    git("init", "-q")
    (tmp_path / "package" / "code.py").write_text("1\n")
    git("add", ".")
    git("commit", "-qm", "first")
    assert provenance.provenance().commit == git("rev-parse", "HEAD")
    (tmp_path / "package" / "code.py").write_text("2\n")
    assert provenance.provenance().commit == git("rev-parse", "HEAD") + "-dirty"
