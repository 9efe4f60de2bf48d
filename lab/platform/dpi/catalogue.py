"""What the clinics of the lab have in common: units, analyses, and what names are made of."""

from __future__ import annotations

from typing import NamedTuple


class Unit(NamedTuple):
    """A care unit, its beds, and the ages in years that it admits."""

    name: str
    beds: int
    youngest: int
    oldest: int
    reasons: tuple[str, ...]


class Analysis(NamedTuple):
    """An analysis of the laboratory; results between `low` and `high` are normal."""

    code: str
    label: str
    unit: str
    low: float
    high: float
    decimals: int


MATERNITY = "Maternité"

UNITS = (
    Unit("Chirurgie", 28, 16, 96, ("Appendicectomie", "Cholécystectomie", "Prothèse de hanche", "Hernie")),
    Unit(MATERNITY, 16, 18, 43, ("Accouchement", "Surveillance de grossesse", "Césarienne programmée")),
    Unit("Médecine", 32, 16, 98, ("Pneumopathie", "Décompensation cardiaque", "Diabète déséquilibré")),
    Unit("Pédiatrie", 14, 0, 15, ("Bronchiolite", "Gastro-entérite", "Crise d'asthme", "Fièvre")),
    Unit("Soins critiques", 10, 16, 94, ("Choc septique", "Détresse respiratoire", "Infarctus")),
    Unit("Soins de suite", 30, 45, 99, ("Rééducation", "Convalescence", "Suite de fracture")),
    Unit("Urgences", 12, 0, 99, ("Douleur thoracique", "Chute", "Traumatisme", "Malaise")),
)

ANALYSES = (
    Analysis("CREAT", "Créatinine", "µmol/L", 50, 110, 0),
    Analysis("CRP", "Protéine C réactive", "mg/L", 0, 5, 1),
    Analysis("GLU", "Glycémie", "mmol/L", 3.9, 6.1, 1),
    Analysis("HB", "Hémoglobine", "g/dL", 12, 17, 1),
    Analysis("K", "Potassium", "mmol/L", 3.5, 5.0, 1),
    Analysis("LEUCO", "Leucocytes", "G/L", 4, 10, 1),
    Analysis("NA", "Sodium", "mmol/L", 135, 145, 0),
    Analysis("PLAQ", "Plaquettes", "G/L", 150, 400, 0),
    Analysis("TROP", "Troponine", "ng/L", 0, 14, 0),
    Analysis("TSH", "TSH", "mUI/L", 0.4, 4.0, 2),
)

# Family names are put together from two halves: they sound of the south and are nobody's in particular.
NAME_STARTS = (
    "Brem", "Castr", "Dorv", "Escal", "Fabr", "Garr", "Jonqu", "Lavand", "Mirab", "Noyar", "Oliv", "Peyr",
    "Roqu", "Salv", "Tourn", "Valr", "Vern", "Ventab",
)  # fmt: skip
NAME_ENDS = (
    "aillet", "andin", "ardieu", "assier", "audrin", "eillan", "elas", "enquet", "esteil", "iargues", "ignon",
    "illard", "iquet", "olier", "ondet", "ousset", "urel",
)  # fmt: skip
FIRST_NAMES = {
    "F": (
        "Adèle", "Agathe", "Amina", "Béatrice", "Camille", "Chloé", "Claire", "Élise", "Fatou", "Hélène",
        "Inès", "Jeanne", "Julie", "Léa", "Louise", "Lucie", "Manon", "Mireille", "Nadia", "Nour",
        "Odette", "Rose", "Sarah", "Simone", "Sylvie", "Yasmine", "Zoé",
    ),
    "M": (
        "Adrien", "Ahmed", "André", "Antoine", "Bastien", "Benoît", "Denis", "Émile", "Étienne", "Fabien",
        "Gaël", "Henri", "Hugo", "Jules", "Karim", "Léon", "Louis", "Lucas", "Marcel", "Mathis", "Nicolas",
        "Noé", "Paul", "Rayan", "René", "Théo", "Yves",
    ),
}  # fmt: skip
TOWNS = (
    "Apt", "Aubignan", "Avignon", "Bédoin", "Bollène", "Carpentras", "Cavaillon", "Gordes",
    "L'Isle-sur-la-Sorgue", "Mazan", "Monteux", "Orange", "Pernes-les-Fontaines", "Robion", "Sault",
    "Vaison-la-Romaine",
)  # fmt: skip
