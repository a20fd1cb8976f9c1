"""Crosswords and sudoku of one publisher."""

import numpy as np
from PIL import Image, ImageDraw

from classes import fonts
from classes.maker import Maker
from classes.seeds import pick
from classes.words import words


def crossword(env):
    """A grid of 15 x 15 with the symmetry of printed ones, and clues of its own below."""
    size, step, left, top = 15, 50, 75, 60
    small, clue, heavy = fonts.font(15, "source-serif-4"), fonts.font(17, "source-serif-4"), fonts.font(19, "source-serif-4", 700)
    source = words("en", 3)

    def subject(rng, group):
        black = np.zeros((size, size), bool)
        rows = rng.integers(0, 2)
        for y in range(size):
            for x in range(size):
                if (x % 2 == rows and y % 2 == 1 - rows and rng.random() < 0.75) or rng.random() < 0.07:
                    black[y, x] = black[size - 1 - y, size - 1 - x] = True
        image = Image.new("RGB", (900, 1240), (253, 252, 248))
        pen = ImageDraw.Draw(image)
        count, starts = 0, []
        for y in range(size):
            for x in range(size):
                box = (left + x * step, top + y * step, left + (x + 1) * step, top + (y + 1) * step)
                pen.rectangle(box, fill=(20, 20, 20) if black[y, x] else (255, 255, 255), outline=(20, 20, 20), width=2)
                if black[y, x]:
                    continue
                free = lambda dx, dy: 0 <= x + dx < size and 0 <= y + dy < size and not black[y + dy, x + dx]
                if (not free(-1, 0) and free(1, 0)) or (not free(0, -1) and free(0, 1)):
                    count += 1
                    starts.append(count)
                    pen.text((box[0] + 4, box[1] + 1), str(count), font=small, fill=(20, 20, 20))
        for column in range(3):
            x, y = left + column * 262, top + size * step + 30
            for at in starts[column::3]:
                if y > 1200:
                    break
                pen.text((x, y), str(at), font=heavy, fill=(20, 20, 20))
                pen.text((x + 30, y + 1), " ".join(source.draw(rng, 4))[:26] + f" ({rng.integers(3, 12)})", font=clue, fill=(20, 20, 20))
                y += 25
        return np.asarray(image)
    return subject


def solved(rng):
    """A full sudoku: the usual pattern with rows, columns, bands and digits exchanged."""
    bands = lambda: [3 * b + r for b in rng.permutation(3) for r in rng.permutation(3)]
    digits = rng.permutation(9) + 1
    rows, columns = bands(), bands()
    return [[int(digits[(3 * (r % 3) + r // 3 + c) % 9]) for c in columns] for r in rows]


def sudoku(env):
    step, edge = 110, 45
    face = fonts.font(64, "roboto")
    pencil = fonts.font(60, "caveat", 700)

    def subject(rng, group):
        image = Image.new("RGB", (9 * step + 2 * edge,) * 2, (254, 254, 252))
        pen = ImageDraw.Draw(image)
        for at in range(10):
            wide = 6 if at % 3 == 0 else 2
            pen.line((edge + at * step, edge, edge + at * step, edge + 9 * step), fill=(15, 15, 15), width=wide)
            pen.line((edge, edge + at * step, edge + 9 * step, edge + at * step), fill=(15, 15, 15), width=wide)
        filled = pick(rng, (0, 0, 0.3, 0.8))
        for y, row in enumerate(solved(rng)):
            for x, digit in enumerate(row):
                place = edge + (x + 0.5) * step, edge + (y + 0.5) * step
                if rng.random() < 0.36:
                    pen.text(place, str(digit), font=face, fill=(15, 15, 15), anchor="mm")
                elif rng.random() < filled:
                    pen.text(place, str(digit), font=pencil, fill=(40, 60, 150), anchor="mm")
        return np.asarray(image)
    return subject


CLASSES = {"crosswords": Maker(crossword), "sudoku": Maker(sudoku, digital=True)}
