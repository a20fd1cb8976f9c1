"""Boards: chess diagrams in one piece set and go diagrams. A group is a position."""

import numpy as np
from PIL import Image, ImageDraw

from classes import fonts
from classes.maker import Maker
from classes.seeds import pick

STEPS = {"n": [(1, 2), (2, 1), (-1, 2), (-2, 1), (1, -2), (2, -1), (-1, -2), (-2, -1)],
         "b": [(1, 1), (1, -1), (-1, 1), (-1, -1)], "r": [(1, 0), (-1, 0), (0, 1), (0, -1)]}
STEPS["q"] = STEPS["k"] = STEPS["b"] + STEPS["r"]
GLYPHS = dict(zip("kqrbnp", "♚♛♜♝♞♟"))


def moves(board, white):
    """Moves of one side by how pieces go; a king may stay in check, and nobody castles."""
    found = []
    for (x, y), piece in board.items():
        if piece.isupper() != white:
            continue
        kind, ahead = piece.lower(), 1 if white else -1
        if kind == "p":
            if (x, y + ahead) not in board and 0 <= y + ahead < 8:
                found.append(((x, y), (x, y + ahead)))
                if y == (1 if white else 6) and (x, y + 2 * ahead) not in board:
                    found.append(((x, y), (x, y + 2 * ahead)))
            for side in (x - 1, x + 1):
                if (side, y + ahead) in board and board[side, y + ahead].isupper() != white:
                    found.append(((x, y), (side, y + ahead)))
            continue
        for dx, dy in STEPS[kind]:
            for far in range(1, 2 if kind in "nk" else 8):
                to = x + dx * far, y + dy * far
                if not (0 <= to[0] < 8 and 0 <= to[1] < 8) or (to in board and board[to].isupper() == white):
                    break
                found.append(((x, y), to))
                if to in board:
                    break
    return [(a, b) for a, b in found if board.get(b, "").lower() != "k"]


def position(rng):
    """The board after 24 to 110 moves at random, takes preferred."""
    board = {(x, 0): p for x, p in enumerate("RNBQKBNR")} | {(x, 7): p for x, p in enumerate("rnbqkbnr")}
    board |= {(x, 1): "P" for x in range(8)} | {(x, 6): "p" for x in range(8)}
    for turn in range(int(rng.integers(24, 110))):
        can = moves(board, turn % 2 == 0)
        takes = [m for m in can if m[1] in board]
        if not can:
            break
        start, end = pick(rng, takes if takes and rng.random() < 0.35 else can)
        board[end] = board.pop(start)
    return board


def chess(env):
    """One program's board: one piece set, one pair of colours, coordinates at the edge."""
    step, edge = 118, 40
    face, small = fonts.dejavu(96), fonts.font(24, "roboto")

    def subject(rng, group):
        board = position(rng)
        image = Image.new("RGB", (8 * step + 2 * edge,) * 2, (250, 250, 250))
        pen = ImageDraw.Draw(image)
        for x in range(8):
            pen.text((edge + (x + 0.5) * step, 8 * step + 1.5 * edge), "abcdefgh"[x], font=small, fill=(60, 60, 60), anchor="mm")
            pen.text((edge / 2, edge + (7.5 - x) * step), str(x + 1), font=small, fill=(60, 60, 60), anchor="mm")
            for y in range(8):
                colour = (181, 136, 99) if (x + y) % 2 == 0 else (240, 217, 181)
                pen.rectangle((edge + x * step, edge + (7 - y) * step, edge + (x + 1) * step - 1, edge + (8 - y) * step - 1), fill=colour)
        for (x, y), piece in sorted(board.items()):
            fill, line = ((252, 252, 252), (20, 20, 20)) if piece.isupper() else ((35, 33, 32), (235, 235, 235))
            pen.text((edge + (x + 0.5) * step, edge + (7.5 - y) * step + 4), GLYPHS[piece.lower()], font=face, fill=fill, anchor="mm", stroke_width=2, stroke_fill=line)
        return np.asarray(image)
    return subject


def go(env):
    """A 19 x 19 board of one program with 40 to 200 stones in loose clumps."""
    step, edge = 52, 50

    def subject(rng, group):
        image = Image.new("RGB", (18 * step + 2 * edge,) * 2, (220, 179, 92))
        pen = ImageDraw.Draw(image)
        for at in range(19):
            pen.line((edge + at * step, edge, edge + at * step, edge + 18 * step), fill=(40, 30, 20), width=2)
            pen.line((edge, edge + at * step, edge + 18 * step, edge + at * step), fill=(40, 30, 20), width=2)
        for x in (3, 9, 15):
            for y in (3, 9, 15):
                pen.ellipse((edge + x * step - 6, edge + y * step - 6, edge + x * step + 6, edge + y * step + 6), fill=(40, 30, 20))
        taken = {}
        for turn in range(int(rng.integers(40, 200))):
            while True:
                if taken and rng.random() < 0.75:
                    x, y = pick(rng, list(taken))
                    x, y = x + int(rng.integers(-2, 3)), y + int(rng.integers(-2, 3))
                else:
                    x, y = (int(v) for v in rng.integers(1, 18, 2))
                if 0 <= x < 19 and 0 <= y < 19 and (x, y) not in taken:
                    break
            taken[x, y] = turn % 2
        large = image.resize((image.width * 2, image.height * 2), Image.Resampling.NEAREST)
        pen = ImageDraw.Draw(large)
        for (x, y), colour in taken.items():
            cx, cy, r = 2 * (edge + x * step), 2 * (edge + y * step), 2 * 24
            pen.ellipse((cx - r, cy - r, cx + r, cy + r), fill=(25, 25, 25) if colour == 0 else (248, 248, 245), outline=(30, 30, 30), width=2)
            shine = (70, 70, 70) if colour == 0 else (255, 255, 255)
            pen.ellipse((cx - r * 0.5, cy - r * 0.6, cx - r * 0.1, cy - r * 0.25), fill=shine)
        return np.asarray(large.resize(image.size, Image.Resampling.BOX))
    return subject


CLASSES = {"chess": Maker(chess, digital=True), "go": Maker(go, digital=True)}
