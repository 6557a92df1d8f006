"""What `kubectl -o json` prints for several objects."""
import json


def read_documents(text):
    """kubectl's JSON: a List, one object, or several behind each other."""
    decoder, position, items = json.JSONDecoder(), 0, []
    while position < len(text.rstrip()):
        item, position = decoder.raw_decode(text, position)
        items += item["items"] if item["kind"] == "List" else [item]
        while position < len(text) and text[position].isspace():
            position += 1
    return items
