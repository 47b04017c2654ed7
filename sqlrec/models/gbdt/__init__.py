"""Gradient-boosted trees: LightGBM, XGBoost, CatBoost."""
