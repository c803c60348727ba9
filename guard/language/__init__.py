"""The rules language: text in, rules out, and errors that say where, what and what instead."""
