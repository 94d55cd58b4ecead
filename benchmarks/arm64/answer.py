"""Runs a .tflite file on images, with nothing but LiteRT and NumPy: answer.py MODEL IMAGES.npy OUT.npz."""

import sys

import numpy as np
from ai_edge_litert.interpreter import Interpreter

model, images, out = sys.argv[1:]
runner = Interpreter(model).get_signature_runner("serving_default")
found = [runner(image=image[None]) for image in np.load(images)]
np.savez(out, **{name: np.concatenate([answer[name] for answer in found]) for name in found[0]})
