"""From cues to a score: key, form, phrases, and the parts that fill them."""

from dataclasses import dataclass, replace

import numpy as np

from moodtheme.demo.arrangement import (
    CHORD_CENTRE,
    Figure,
    Groove,
    bass_notes,
    choose_figure,
    choose_groove,
    chord_notes,
    drum_strokes,
    pad_notes,
    voice,
)
from moodtheme.demo.harmony import Cadence, Function, choose_mode, progression
from moodtheme.demo.melody import (
    Motif,
    Singer,
    in_octaves,
    in_thirds,
    invent_motif,
    sing_phrase,
    vary,
)
from moodtheme.demo.moods import Cues
from moodtheme.demo.score import Drum, Note, Part, Phrase, Score, Stroke
from moodtheme.demo.styles import Style, stream

PHRASE_BARS = 4
RING_OUT_S = 1.2  # left after the last bar for the final chord to die away
_FORM = "AABAACBA"  # repeats for long pieces
_FULL_KITS = {Groove.BACKBEAT, Groove.FOUR_ON_THE_FLOOR}


def _phrases(bars: int, cues: Cues) -> tuple[Phrase, ...]:
    """Divide the bars into phrases of four, the remainder joined to or after the last."""
    lengths = [PHRASE_BARS] * (bars // PHRASE_BARS)
    rest = bars % PHRASE_BARS
    if rest == 1 and lengths:
        lengths[-1] += 1
    elif rest:
        lengths.append(rest)
    letters = [_FORM[index % len(_FORM)] for index in range(len(lengths))]
    if len(letters) > 2:
        letters[-2:] = "BA"  # every form leaves home once and comes back
    phrases = []
    first = 0
    for index, length in enumerate(lengths):
        place = (index + 0.5) / len(lengths)
        climb = 1.0 - abs(place - 0.7) / 0.7  # climax at about two thirds
        dynamic = 1.0 - cues.contrast * (0.75 - 0.75 * climb)
        phrases.append(Phrase(letters[index], first, length, float(dynamic)))
        first += length
    return tuple(phrases)


@dataclass
class _Writer:
    """Writes phrase after phrase, each from the last voicing of the one before.

    Phrases with the same letter draw from the same streams, so they share motifs and chords.
    """

    cues: Cues
    seed: int
    metre: int
    tonic: int
    phrases: tuple[Phrase, ...]
    singer: Singer
    figure: Figure
    groove: Groove
    voicing: tuple[int, ...] | None = None

    def phrase(self, index: int) -> tuple[list[Note], list[Stroke]]:
        """Write all parts of a phrase, onsets from the start of the piece."""
        cues, phrase = self.cues, self.phrases[index]
        last = index == len(self.phrases) - 1
        few = len(self.phrases) < 3
        full = few or index > 0  # longer pieces open with a thinner texture
        cadence = _cadence(index, last=last, cues=cues)
        spans = progression(
            self.singer.mode,
            cues,
            bars=phrase.bars,
            beats_per_bar=self.metre,
            cadence=cadence,
            opening=Function.TONIC if phrase.letter == "A" else Function.SUBDOMINANT,
            rng=stream(self.seed, f"harmony {phrase.letter}"),
        )
        rng = stream(self.seed, f"melody {index}")
        themes = stream(self.seed, phrase.letter)
        first, second = (invent_motif(self.cues, self.metre, themes) for _ in range(2))
        plan = _lay_out(first, second, phrase.bars, repeat=index > 0, rng=rng)
        lead = sing_phrase(
            self.singer, plan, spans, beats_per_bar=self.metre, cadence=cadence, rng=rng
        )
        voicings = voice(spans, self.tonic, CHORD_CENTRE + 0.35 * cues.register, self.voicing)
        self.voicing = voicings[-1]

        notes = [*lead, *chord_notes(spans, voicings, self.figure, waltz=self.metre == 3)]
        loud_contrast = full and cues.level > -18 and phrase.letter != "A"
        if cues.contrast > 0.6:
            notes += in_octaves(lead)
        elif loud_contrast or (last and not few):
            notes += in_thirds(lead, self.singer, spans)
        if self.figure is not Figure.SUSTAINED and (cues.staccato < 0.5 or cues.contrast > 0.6):
            notes += pad_notes(spans, voicings)
        if full or cues.percussion > 0.2:
            depth = round(max(0.0, -0.3 * cues.register))
            bass_rng = stream(self.seed, f"bass {phrase.letter}")
            notes += bass_notes(spans, self.tonic, cues, depth=depth, rng=bass_rng)
        strokes: list[Stroke] = []
        if full or self.groove in _FULL_KITS:
            strokes = drum_strokes(
                self.groove, bars=phrase.bars, beats_per_bar=self.metre, fill=not last
            )
        if full and index % 2 == 0 and self.groove in {*_FULL_KITS, Groove.DRUMS_OF_WAR}:
            strokes.append(Stroke(Drum.CRASH, 0.0, 0.6))
        return self._placed(phrase, notes, strokes)

    def _placed(
        self, phrase: Phrase, notes: list[Note], strokes: list[Stroke]
    ) -> tuple[list[Note], list[Stroke]]:
        """Move a phrase to its place and give it its dynamic, with a small swell inside."""
        start = float(phrase.first_bar * self.metre)
        length = phrase.bars * self.metre

        def swell(onset: float) -> float:
            return float(phrase.dynamic * (0.94 + 0.1 * np.sin(np.pi * onset / length)))

        placed = [
            replace(note, onset=start + note.onset, velocity=note.velocity * swell(note.onset))
            for note in notes
        ]
        beaten = [
            Stroke(hit.drum, start + hit.onset, hit.velocity * phrase.dynamic) for hit in strokes
        ]
        return placed, beaten


def compose(cues: Cues, style: Style, *, seed: int, duration_s: float) -> Score:
    """Write a piece that fills a duration with whole bars.

    The ring-out of the last chord is included. The tempo is moved by the few per cent that whole
    bars need.
    """
    rng = stream(seed, "plan")
    waltz = cues.percussion < 0.3 and bool(rng.random() < style.waltz)
    metre = 3 if waltz else 4
    playing = max(duration_s - RING_OUT_S, 0.5 * duration_s)
    bars = max(1, round(playing * cues.tempo * style.tempo_factor / 60 / metre))
    tempo = bars * metre * 60 / playing
    tonic = int(rng.integers(12))
    mode = choose_mode(cues, rng)
    middle = 72 + cues.register  # cues state the register from C5
    writer = _Writer(
        cues=cues,
        seed=seed,
        metre=metre,
        tonic=tonic,
        phrases=_phrases(bars, cues),
        singer=Singer(
            mode=mode,
            tonic=round((middle - tonic) / 12) * 12 + tonic,
            reach=3 + round(6 * cues.pitch_range),
        ),
        figure=choose_figure(cues, style.figures),
        groove=choose_groove(cues, style.groove),
    )
    notes: list[Note] = []
    strokes: list[Stroke] = []
    for index in range(len(writer.phrases)):
        more_notes, more_strokes = writer.phrase(index)
        notes += more_notes
        strokes += more_strokes
    end = float(bars * metre)
    ring = 0.5 * RING_OUT_S * tempo / 60
    notes = _close(notes, writer.voicing or (), last_bar=end - metre, end=end, ring=ring)
    strokes = [hit for hit in strokes if hit.onset <= end - metre]
    return Score(tempo, metre, tonic, mode, writer.phrases, tuple(notes), tuple(strokes))


def _cadence(index: int, *, last: bool, cues: Cues) -> Cadence:
    """Question and answer: even phrases end open, odd ones closed."""
    if index % 2 == 0 and not last:
        return Cadence.HALF
    return Cadence.AUTHENTIC if cues.density > 0.2 else Cadence.PLAGAL


def _lay_out(
    first: Motif, second: Motif, bars: int, *, repeat: bool, rng: np.random.Generator
) -> tuple[Motif, ...]:
    """Lay out a phrase as a, a', b, cadence; repeats of the phrase vary the second half."""
    row = []
    for bar in range(bars):
        motif = second if bar % 4 == 2 else first
        if (bar % 4 == 1 and rng.random() < 0.5) or (repeat and bar % 4 == 2):
            motif = vary(motif, rng)
        row.append(motif)
    return tuple(row)


def _close(
    notes: list[Note], voicing: tuple[int, ...], *, last_bar: float, end: float, ring: float
) -> list[Note]:
    """Replace the figures of the last bar by one chord that rings on with whatever sounds."""
    closed = [Note(Part.CHORDS, last_bar, end + ring - last_bar, pitch, 0.55) for pitch in voicing]
    for note in notes:
        figured = note.part in (Part.CHORDS, Part.BASS)
        if note.part is Part.CHORDS and note.onset >= last_bar:
            continue
        if figured and note.onset > last_bar:
            continue
        lasts = note.onset + note.duration > end - 1.1 and note.onset >= last_bar
        closed.append(replace(note, duration=end + ring - note.onset) if lasts else note)
    return closed
