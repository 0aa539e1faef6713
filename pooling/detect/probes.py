"""Texts to ask a server with, chosen so that what it may do to them separates."""

LONG = (
    "The ferry to the island leaves at seven, whatever the weather, and on the first Sunday of the month a second one "
    "follows at noon for those who slept too long or missed the first for other reasons. "
)
SHORT = (
    "Rain",
    "Good morning",
    "The weather is lovely today.",
    "A man is eating a piece of bread near the old harbour.",
    "He drove to the stadium, parked his car, and waited for nearly an hour until the gates were opened.",
    "THE MINISTER of Finance resigned on Tuesday",
    "  spaces stand at both ends of this sentence  ",
    "What is the capital of Norway?",
    "Prices rose by 3.7% in May; wages did not.",
    "Ein Satz auf Deutsch, mit Umlauten: Öl, Äpfel und Übermut.",
)
PROBES = (
    *SHORT,
    LONG,
    f"{LONG}Nobody remembers who drew up this timetable. {LONG}",
    " ".join(f"{LONG}That was said {number} times." for number in ("once", "two", "three", "four", "five", "six")),
    " ".join(f"{LONG}Number {number} of the list." for number in range(1, 16)),
    "Good morning",
)
"""One and two words, sentences, capitals, spaces at the ends, other letters, long ones up to some 700 tokens, and one
of them twice."""
