"""Every *.sql script of this folder becomes an Airflow DAG named as the script."""

from pathlib import Path

from sqlrec.airflow.loader import load_folder  # this line keeps the words "airflow" and "DAG" in the file

load_folder(Path(__file__).parent, globals())
