# Says which run works here, and does nothing else.
verdict "done"
