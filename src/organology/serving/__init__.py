"""Recognition over HTTP, in the browser and live.

`app.create_app` builds the API and its page (extra `serve`), `page.static.build` writes the same page for any static
host, `live` recognizes what is playing now. Importing this package imports none of them.

Rules that hold for every module: no path of the server is read from a request or written into an answer; every error is
one JSON object with one line, `{"error": "..."}`; every resource that a client can use up has a limit in `Limits`.
"""
