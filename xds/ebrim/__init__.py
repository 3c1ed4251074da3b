"""The ebRIM codec: registry objects, requests and responses, between XML and the model, from one vocabulary table.

May import: xmlio, errors, model, ports, transaction. Decoding never raises on a mistake of the sender: it yields
what could be read and an `Issue` for each mistake, so that all are reported together. Encoding writes text
straight from the model, in one fixed order of elements and attributes: an object's fragment is canonical, is
made once when it is registered, and is spliced into answers as bytes.
"""
