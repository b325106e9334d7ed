"""An example service: the orders of shops, each a machine whose every move is durable.

``machine`` is the business, ``answers`` what is told of it, both without a framework; ``asgi`` serves them with
FastAPI, and ``wsgi`` with Flask.
"""
