"""The nouns of sqlrec: frozen dataclasses of the standard library, and their JSON form."""
