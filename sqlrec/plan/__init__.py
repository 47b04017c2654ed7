"""Statements → Plan: resolution, dependency edges, checks, explanation."""
