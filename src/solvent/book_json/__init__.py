"""The documented JSON form of a book and its market: read, checked and written exactly (docs/book-format.md).

Decimals are text, errors name the path of the field, and what is written reads back equal.
"""

from solvent.book_json.decoding import BookFile as BookFile
from solvent.book_json.decoding import decode_book as decode_book
from solvent.book_json.decoding import load_book as load_book
from solvent.book_json.encoding import encode_book as encode_book
from solvent.book_json.errors import BookFileError as BookFileError
from solvent.book_json.forms import schema as schema
