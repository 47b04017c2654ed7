"""FastAPI as its manual has it: typed rows or columns in, a typed answer out. Arguments: folder, port."""

import sys

import common
import numpy as np
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel, create_model

model = common.Model(sys.argv[1])
python_types = {name: str if kind is np.object_ else int for name, kind in model.types.items()}
Row = create_model("Row", **{name: (kind | None, ...) for name, kind in python_types.items()})
Columns = create_model("Columns", **{name: (list[kind | None], ...) for name, kind in python_types.items()})
app = FastAPI()


class Answer(BaseModel):
    probs: list[float]


@app.post("/predict")
async def predict(rows: list[Row] | Columns) -> Answer:
    if isinstance(rows, list):
        columns = {name: [getattr(row, name) for row in rows] for name in model.types}
    else:
        columns = {name: getattr(rows, name) for name in model.types}
    return Answer(probs=model.predict(columns))


uvicorn.run(app, port=int(sys.argv[2]), loop="uvloop", http="httptools", log_level="error", access_log=False)
