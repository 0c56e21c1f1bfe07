"""Loads a downloaded model without any server and prints its predictions as JSON.

python predict_locally.py MODEL_FOLDER REQUEST_FILE
"""

import json
import sys
from pathlib import Path

import mlflow
import pandas as pd

folder, request = map(Path, sys.argv[1:])
model = mlflow.sklearn.load_model(next(folder.rglob("MLmodel")).parent)
table = json.loads(request.read_text())["input_data"]
patients = pd.DataFrame(table["data"], columns=table["columns"], dtype=float)
print(json.dumps(model.predict(patients).tolist()))
