"""Mail settings as code: a YAML document of what there is to be, and the way there.

::

    errors     what can be wrong with all of it
    document   the YAML's typed model, of which docs and the editors' schema are made
    reading    text to model, with a line and a suggestion for everything that is wrong
    wanted     model to items (`mailquay.store.declared`), by the names that are compared
    planner    what is, and what is wanted, to a plan: pure
    applying   a plan's passwords and its one transaction
    printing   a plan for people and programs
    exporting  what is, to a YAML that changes nothing when it is applied
"""
