"""``type = 'training', algorithm = 'kmeans'``: clusters of the rows that AS query gives (FLIP-437)."""

from __future__ import annotations

from sqlrec.models.described import MODEL, DescribedModel, choice, common_options
from sqlrec.spec.options import Option, OptionKind, OptionSet

CONTROLLER = DescribedModel(
    type="training.kmeans",
    doc="k-means clusters of the rows of AS query.",
    options=OptionSet(
        (
            choice("type", "Kind of model.", "training", required=True),
            choice("algorithm", "What is trained.", "kmeans", required=True),
            Option(
                key="num_clusters",
                kind=OptionKind.INT,
                doc="Number of clusters.",
                scopes=MODEL,
                required=True,
                minimum=1,
            ),
            *common_options(),
        ),
        prefixes=("kmeans.",),
    ),
)
