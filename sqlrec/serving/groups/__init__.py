"""Several models behind one service: rules over slots that say who is asked and whose answer counts."""
