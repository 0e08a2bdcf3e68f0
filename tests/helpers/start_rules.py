"""E-mail addresses and URLs that Langfuse accepts or refuses at its start, and so do we.

The rehearsal has Langfuse's own schemas judge them.
"""

from typing import Final

GOOD_EMAILS: Final = (
    "ada@example.com",
    "Ada.O'Neill+langfuse_1-x@mail.example-1.co.uk",
)
BAD_EMAILS: Final = (
    "o&m@example.com",
    "jö@example.com",
    "ada@jö.com",
    ".ada@example.com",
    "ada.@example.com",
    "a..da@example.com",
    "ada@example",
    "ada@example.c",
    "ada@-example.com",
    "ada@ex_ample.com",
    "ada@example.com.",
    "ada lovelace@example.com",
    "@example.com",
    "ada",
)
GOOD_URLS: Final = (
    "http://localhost:3000",
    "http://localhost:3000/",
    "https://langfuse.example.com",
    "https://Langfuse.Example.com:8443/",
    "https://xn--jrg-sna.example.com",
    "http://my_host:80",
    "http://127.0.0.1:3000",
    "http://[::1]:3000",
)
BAD_URLS: Final = (
    "http://:3000",
    "http://",
    "http://localhost:65536",
    "http://localhost:port",
    "http://256.1.1.1",
    "http://1.2.3.4.5",
    "http://example.1",
    "http://[::g]",
    "http://[::1",
    "http://[1.2.3.4]",
    "http://a b",
    "http://a^b",
    "http://a%b",
    "http://xn--a",
    "langfuse.example.com",
)
# Taken by Langfuse, which then would not work under it, or has no use for it.
OUR_BAD_URLS: Final = (
    "http://localhost:3000/langfuse",
    "http://localhost:3000//",
    "http://localhost:3000?a=b",
    "http://localhost:3000#a",
    "http://ada@localhost:3000",
    "https://jörg.example.com",
    "ftp://localhost",
    "https:///langfuse",
)
