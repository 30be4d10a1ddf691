"""Content moderation: checked before anything is sent and, where nobody
else does it, on the results.

`offence.py` the kinds · `words.py` the built-in word policy · `endpoint.py` a service that judges text and pictures ·
`moderation.py` the seam that puts them together, asked by `providers.submission` and `providers.collection`
"""
