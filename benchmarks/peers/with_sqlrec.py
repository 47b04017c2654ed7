"""sqlrec on the benchmark's rows: its own training job, from parquet to the published checkpoint."""

import tempfile
import time
from pathlib import Path

import common


def main() -> None:
    job = common.read_job()
    import pyarrow.parquet as pq

    from sqlrec.models.deep import checkpoint
    from sqlrec.models.deep.train import train
    from sqlrec.spec.job import TrainWork
    from sqlrec.spec.model import ModelSpec
    from sqlrec.spec.names import ModelName
    from sqlrec.spec.schema import DataType, Field, Kind, Schema
    from sqlrec.spec.table import Relation, TableFormat, TableSource

    types = {"string": Kind.STRING, "large_string": Kind.STRING, "double": Kind.DOUBLE, "float": Kind.FLOAT}
    schema = pq.read_schema(job["train"])
    columns = [
        Field(name=name, type=DataType(types.get(str(schema.field(name).type), Kind.BIGINT)))
        for name in (*job["features"], job["label"])
    ]
    model = ModelSpec(
        name=ModelName.of("benchmark"),
        type=f"tzrec.{job['model']}",
        columns=Schema(tuple(columns)),
        outputs=Schema((Field(name="probs", type=DataType(Kind.FLOAT)),)),
        options={
            "label_columns": job["label"],
            "hidden_units": ",".join(map(str, job["hidden"])),
            "embedding_dim": job["dim"],
        },
    )
    source = TableSource(name="rows", format=TableFormat.PARQUET, path=job["train"])
    work = TrainWork(
        model=model,
        checkpoint="benchmark",
        data=Relation(query="SELECT * FROM rows", sources={"rows": source}),
        options={
            "batch_size": job["batch"],
            "num_epochs": job["epochs"],
            "validation_fraction": 0.0,
            "sparse_lr": 0.1,
            **job["options"],
        },
    )
    with tempfile.TemporaryDirectory() as folder:
        began, cpu = time.perf_counter(), time.process_time()
        result = train(work, Path(folder), lambda message, *, done=None: None)
        ended, ended_cpu = time.perf_counter(), time.process_time()
        trained = checkpoint.load(Path(folder))
    test = pq.read_table(job["test"])
    loop = result.rows * job["epochs"] / result.metrics["rows_per_second"]
    common.report(
        job,
        rows=result.rows,
        loop=(loop, loop),
        whole=(ended - began, ended_cpu - cpu),
        labels=test[job["label"]].to_numpy(),
        scores=trained.predict(test)[0],
    )


if __name__ == "__main__":
    main()
