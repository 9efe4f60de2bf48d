"""What an audit says in a few sentences. It never says more than was looked at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from provisioner.model.catalogue import SEVERITIES, Language
from provisioner.model.finding import Verdict
from provisioner.report import audit_words as words
from provisioner.report.audit_actions import actions, borne
from provisioner.report.audit_tally import Tally


@dataclass(frozen=True, slots=True)
class Conclusion:
    """The headline with its verdict, and the sentences that go with it."""

    verdict: Verdict
    headline: str
    sentences: tuple[str, ...]


def conclusion(tally: Tally, language: Language) -> Conclusion:
    """The verdict on the whole, in words for who reads nothing else."""
    speaker = _Speaker(tally, language)
    verdict, headline = speaker.headline()
    return Conclusion(verdict, headline, tuple(speaker.sentences()))


@dataclass(frozen=True, slots=True)
class _Speaker:
    tally: Tally
    language: Language

    def _say(self, french: str, english: str) -> str:
        return words.word((french, english), self.language)

    def _count(self, number: int, noun: str) -> str:
        return words.counted(number, noun, self.language)

    def headline(self) -> tuple[Verdict, str]:
        """What comes first: failures, else what is unknown, else that all that was seen is as expected."""
        counts = self.tally.counts
        if counts[Verdict.FAIL]:
            return Verdict.FAIL, self._failing()
        unknown, asked = counts[Verdict.UNKNOWN], len(self.tally.audit.findings)
        if not (counts[Verdict.PASS] or counts[Verdict.WAIVED]):
            return Verdict.UNKNOWN, self._say(
                "Rien n’a été examiné : cet audit ne prouve rien.",
                "Nothing was looked at: this audit proves nothing.",
            )
        if unknown:
            many, of = words.grouped(unknown, self.language), self._count(asked, "verdict")
            return Verdict.UNKNOWN, self._say(
                f"Aucun échec n’a été vu, mais {many} sur {of} restent inconnus : on ne peut pas conclure.",
                f"No failure was seen, but {many} of {of} are unknown: no conclusion can be drawn.",
            )
        if counts[Verdict.WAIVED]:
            return Verdict.WAIVED, self._say(
                "Tout ce qui a été examiné est comme attendu, ou couvert par une dérogation en cours.",
                "Everything that was looked at is as expected, or borne by a waiver that still holds.",
            )
        return Verdict.PASS, self._say(
            "Tout ce qui a été examiné est comme attendu.", "Everything that was looked at is as expected."
        )

    def _failing(self) -> str:
        failing = actions(self.tally)
        touched = len({name for action in failing for name in action.subjects})
        checks, of = (
            self._count(len(failing), "check"),
            self._count(len(self.tally.audit.subjects), "subject"),
        )
        several = len(failing) > 1
        return self._say(
            f"Des corrections sont nécessaires : {checks} en échec, sur {touched} des {of}."
            if len(self.tally.audit.subjects) > 1
            else f"Des corrections sont nécessaires : {checks} en échec.",
            f"Corrections are needed: {checks} {'fail' if several else 'fails'}, on {touched} of {of}.",
        )

    def sentences(self) -> Iterator[str]:
        """What else has to be known at once."""
        yield from self._severities()
        yield from self._unseen()
        yield from self._waivers()
        yield from self._questions()
        if broken := len(self.tally.audit.broken):
            yield self._say(
                f"Défauts du catalogue : {broken} ; ce qu’ils touchent n’a pas été examiné.",
                f"Flaws of the catalogue: {broken}; what they concern was not looked at.",
            )

    def _severities(self) -> Iterator[str]:
        failing = [action.check.severity for action in actions(self.tally)]
        told = [
            f"{words.word(words.SEVERITY_WORDS[one], self.language)} {failing.count(one)}"
            for one in reversed(SEVERITIES)
            if one in failing
        ]
        if told:
            yield self._say(f"Par gravité : {', '.join(told)}.", f"By severity: {', '.join(told)}.")

    def _unseen(self) -> Iterator[str]:
        unseen = [state.subject.name for state in self.tally.subjects if not state.seen]
        unknown = self.tally.counts[Verdict.UNKNOWN]
        if unseen:
            named = ", ".join(unseen[:8]) + (" …" if len(unseen) > 8 else "")  # noqa: PLR2004 - as many as one reads
            many = self._count(len(unseen), "subject")
            yield self._say(f"Rien n’a été vu de {many} : {named}.", f"Nothing was seen of {many}: {named}.")
        if unknown and self.tally.counts[Verdict.FAIL]:
            many = words.grouped(unknown, self.language)
            yield self._say(
                f"Verdicts inconnus : {many}. Ce qui n’a pas été vu n’est jamais compté comme réussi.",
                f"Unknown verdicts: {many}. What was not seen never counts as a pass.",
            )

    def _waivers(self) -> Iterator[str]:
        met = borne(self.tally)
        expired, soon = sum(one.expired for one in met), sum(one.ends_soon for one in met)
        if expired:
            many = self._count(expired, "waiver")
            yield self._say(
                f"{many} : date dépassée, compté en échec.", f"{many} expired: counted as failures."
            )
        if soon:
            many = self._count(soon, "waiver")
            yield self._say(f"{many} : fin dans les 30 jours.", f"{many}: the end comes within 30 days.")

    def _questions(self) -> Iterator[str]:
        left = sum(one.verdict is Verdict.UNKNOWN for one in self.tally.audit.answers)
        if left:
            many = self._count(left, "question")
            yield self._say(f"{many} sans réponse valable.", f"{many} without a valid answer.")
