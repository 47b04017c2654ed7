"""The grammar: one function per statement, over a cursor. ``dispatch`` chooses it by the first words."""
