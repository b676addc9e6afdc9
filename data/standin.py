"""The stand-in: shirts and trousers drawn by a program, for machines without Fashion-MNIST.

It has the shape, the range and about the difficulty of the real pair, and none of its pictures.

A garment is a half-width for each row of the image. A pixel's coverage is its distance to the
outline, clipped to [0, 1]: this is what makes the edges smooth. Everything is drawn for n images
at once, in arrays that broadcast to (n, 28, 28), and lengths are in pixels.

Only uniform random numbers, + - * / and square roots are used: these are exact to the last bit
on every platform, so one seed draws the same bytes everywhere (with the same random generator).
"""

import numpy as np

SEED = 20
SIZE = 28
BATCH = 500  # images drawn at once: their arrays fit in the cache
FLIPPED = 0.004  # share of wrong labels

Y = np.arange(SIZE, dtype=np.float32)[:, None] + np.float32(0.5)  # (28, 1), downwards from the top
X = np.arange(SIZE, dtype=np.float32) - np.float32(13.5)  # (28,), from the middle to the right


def draw(n_train=12_000, n_test=2_000, seed=SEED):
    """Return x_train, y_train, x_test, y_test: uint8 images (n, 28, 28) and labels (n,), 0 or 1.

    Half of each set are shirts (0) and half trousers (1), in random order.
    """
    rng = np.random.default_rng(seed)
    return *_draw_set(rng, n_train), *_draw_set(rng, n_test)


def _draw_set(rng, n):
    labels = rng.permutation(np.arange(n) % 2).astype(np.uint8)
    images = np.empty((n, SIZE, SIZE), dtype=np.uint8)
    for label, draw_garments in enumerate((_shirts, _trousers)):
        places = np.flatnonzero(labels == label)
        for start in range(0, len(places), BATCH):
            some = places[start : start + BATCH]
            images[some] = draw_garments(rng, len(some))
    wrong = rng.random(n) < FLIPPED
    return images, np.where(wrong, 1 - labels, labels).astype(np.uint8)


# Shirts ---------------------------------------------------------------------------------------


def _shirts(rng, n):
    """Return n shirts: short sleeves, long ones, none, and a few as long and narrow as a dress."""
    kind = rng.random((n, 1, 1), dtype=np.float32)
    long_sleeves, sleeveless, dress, cropped = (
        (low <= kind) & (kind < high)
        for low, high in [(0.00, 0.10), (0.10, 0.30), (0.30, 0.335), (0.335, 0.36)]
    )
    bare = sleeveless | (dress & _some(rng, n, 0.8))
    top = np.where(cropped, _between(rng, n, 6, 9), _between(rng, n, 0, 1.5))
    bottom = np.where(cropped, _between(rng, n, 18, 22), _between(rng, n, 26, 28))
    chest = np.where(long_sleeves, _between(rng, n, 5.2, 8.0), _between(rng, n, 6.4, 9.2))
    chest = np.where(cropped, _between(rng, n, 8.0, 10.5), chest)
    chest = np.where(dress, _between(rng, n, 3.0, 5.5), chest)

    half = _shirt_half_width(rng, n, (Y - top) / (bottom - top), chest, bare)
    x = X - _lean(rng, n, 0.7, 0.03)
    slope = np.where(bare, _between(rng, n, 0, 0.2), _between(rng, n, 0.1, 0.42))
    shoulder = top + slope * np.abs(x)
    body = _cover(half - np.abs(x)) * _cover(np.minimum(Y - shoulder, bottom - Y))
    sleeves = _sleeves(rng, n, np.abs(x), top + slope * chest, chest, long_sleeves)
    cloth = np.maximum(body, np.where(bare, 0, sleeves))
    cloth *= _neckline(rng, n, np.abs(x), Y - top, bare)
    light = _base(rng, n, bright=0.55, dark=0.07) * _folds(rng, n, x / chest) * _texture(rng, n)
    return _expose(rng, cloth, light * _print(rng, n, 0.36) * _stripes(rng, n, 0.1))


def _shirt_half_width(rng, n, t, chest, bare):
    """Return the half-width (n, 28, 1) of a shirt at the heights t: 0 is its top, 1 its hem."""
    t = np.clip(t, 0, 1)
    waist = _between(rng, n, -1.4, 0.4) * 4 * t * (1 - t)
    hem = _between(rng, n, -0.6, 1.3) * t
    arm_hole = _between(rng, n, 1.0, 4.0) * np.clip(1 - t / _between(rng, n, 0.25, 0.45), 0, 1)
    return chest + waist + hem - np.where(bare, np.minimum(arm_hole, 0.45 * chest), 0)


def _sleeves(rng, n, x, y_shoulder, chest, long_sleeves):
    """Return the coverage of both sleeves: bands that leave the shoulders with a slope."""
    slope = np.where(long_sleeves, _between(rng, n, 3.5, 9), _between(rng, n, 0.5, 1.7))
    length = np.where(long_sleeves, _between(rng, n, 16, 24), _between(rng, n, 3.5, 7.5))
    thick = np.where(long_sleeves, _between(rng, n, 1.4, 2.3), _between(rng, n, 2.2, 3.4))
    scale = 1 / np.sqrt(1 + slope * slope)
    right, down = x - (chest - 0.8), Y - (y_shoulder + thick - 0.5)
    along = (right + slope * down) * scale
    across = (down - slope * right) * scale
    return _cover(np.minimum(along + 2, length - along)) * _cover(thick - np.abs(across))


def _neckline(rng, n, x, depth, bare):
    """Return what the neckline leaves of the cloth; some shirts show the inside of their back."""
    width = np.where(bare, _between(rng, n, 1.6, 3.4), _between(rng, n, 2.2, 4.2))
    deepest = np.where(bare, _between(rng, n, 1.5, 7), _between(rng, n, 0.4, 3.5))
    q = np.minimum(x / width, 1)
    roundness = _between(rng, n, 0, 1)  # 0: a V, 1: a round neck
    cut = deepest * (1 - q * ((1 - roundness) + roundness * q * q))
    inside = np.where(_some(rng, n, 0.35), _between(rng, n, 0.3, 0.8), 0)
    return np.maximum(_cover(depth - cut - 0.5), inside)


# Trousers -------------------------------------------------------------------------------------


def _trousers(rng, n):
    """Return n trousers: straight, narrow, flared, a few shorts, many with closed legs."""
    shorts = _some(rng, n, 0.045)
    wide = _some(rng, n, 0.07)
    top, bottom = _between(rng, n, 0, 1), _between(rng, n, 26.5, 28)
    t = np.clip((Y - top) / (bottom - top), 0, 1)
    crotch = np.where(shorts, _between(rng, n, 0.45, 0.65), _between(rng, n, 0.24, 0.42))
    leg = np.maximum(t - crotch, 0) / (1 - crotch)  # 0 at the crotch, 1 at the hem

    outer = _trouser_half_width(rng, n, t, leg, shorts, wide)
    gap = _leg_gap(rng, n, leg, shorts)
    x = X - _lean(rng, n, 1.0, 0.05)
    bend = np.where(x < 0, _between(rng, n, -1.2, 1.0), _between(rng, n, -1.2, 1.0))
    outer = outer + bend * leg * np.where(_some(rng, n, 0.5), 1, 2.5 * (1 - leg))
    cloth = _cover(np.minimum(outer - np.abs(x), np.abs(x) - gap))
    cloth *= _cover(np.minimum(Y - top, bottom - Y))
    light = _base(rng, n, bright=0.75, dark=0.02) * _folds(rng, n, x / 6) * _texture(rng, n)
    return _expose(rng, cloth, light * _trouser_details(rng, n, x, t, leg, outer))


def _trouser_half_width(rng, n, t, leg, shorts, wide):
    """Return the outer half-width (n, 28, 1): the waist, the hips, then the legs to the hem."""
    waist = np.where(shorts, _between(rng, n, 5.5, 8.0), _between(rng, n, 2.8, 4.4))
    waist = np.where(wide, _between(rng, n, 3.6, 6.0), waist)
    hips = _between(rng, n, 0.2, 1.6) * np.clip(t / 0.3, 0, 1)
    narrow_or_flared = np.where(wide, _between(rng, n, 0, 3), _between(rng, n, -1.4, 1.6))
    return waist + hips + narrow_or_flared * leg * (0.4 + 0.6 * leg)


def _leg_gap(rng, n, leg, shorts):
    """Return the half-width (n, 28, 1) of the gap between the legs; -1 where they touch."""
    opening = np.where(shorts, _between(rng, n, 0.3, 2.0), _between(rng, n, 0.2, 2.3))
    reach = _between(rng, n, 0.15, 1)
    closed = _some(rng, n, 0.22)
    gap = opening * np.clip(leg / reach, 0, 1)
    return np.where((leg > 0) & ~closed, gap - 0.1, -1)


def _trouser_details(rng, n, x, t, leg, outer):
    """Return factors for the waistband, the seam between the legs and the fading of the knees."""
    band = np.where(t < 0.07, _between(rng, n, 0.55, 1.15), 1)
    seam_depth = np.where(_some(rng, n, 0.75), _between(rng, n, 0.1, 0.7), 0)
    seam = 1 - seam_depth * np.clip(1 - np.abs(x), 0, 1) * (t > 0.1)
    off_centre = np.abs(x) - outer / 2
    fading = np.where(_some(rng, n, 0.45), _between(rng, n, 0.1, 0.5), 0)
    spot = np.clip(1 - off_centre * off_centre / 3, 0, 1) * 4 * leg * (1 - leg)
    return band * seam * (1 + fading * (spot - 0.5))


# Cloth and light ------------------------------------------------------------------------------


def _base(rng, n, bright, dark):
    """Return the brightness of each garment: two shares of them are bright and dark."""
    kind = rng.random((n, 1, 1), dtype=np.float32)
    medium = np.where(kind < bright + dark, _between(rng, n, 25, 80), _between(rng, n, 80, 190))
    return np.where(kind < bright, _between(rng, n, 190, 262), medium)


def _folds(rng, n, x):
    """Return factors that darken the sides, light one side, and shade from top to bottom."""
    sides = _between(rng, n, -0.08, 0.3) * x * x
    one_side = _between(rng, n, -0.1, 0.1) * x
    height = Y / SIZE - 0.5
    downwards = _between(rng, n, -0.15, 0.15) * height
    faded = np.where(_some(rng, n, 0.06), _between(rng, n, -1.2, 1.2), 0) * height
    return np.clip(1 - sides + one_side + downwards + faded, 0.15, 1.3)


def _texture(rng, n):
    """Return an all-over pattern of small spots, faint on most garments, strong on a few."""
    strength = np.where(
        _some(rng, n, 0.08), _between(rng, n, 0.3, 0.7), _between(rng, n, 0.02, 0.12)
    )
    spots = rng.random((n, SIZE // 2, SIZE // 2), dtype=np.float32) - np.float32(0.5)
    return 1 + strength * spots.repeat(2, axis=1).repeat(2, axis=2)


def _stripes(rng, n, share):
    """Return horizontal stripes for a share of the garments."""
    period = _between(rng, n, 3, 8)
    phase = (Y / period + _between(rng, n, 0, 1)) % 1
    depth = np.where(_some(rng, n, share), _between(rng, n, 0.2, 0.8), 0)
    return 1 - depth * (phase < 0.5)


def _print(rng, n, share):
    """Return a picture of coarse random blocks on the chest of a share of the garments."""
    blocks = rng.random((n, 7, 7), dtype=np.float32).repeat(2, axis=1).repeat(2, axis=2)
    picture = np.ones((n, SIZE, SIZE), dtype=np.float32)
    picture[:, 6:20, 7:21] = np.where(blocks < 0.55, _between(rng, n, 0.2, 1.6), 1)
    middle, width, height = (_between(rng, n, *r) for r in [(8.5, 14), (1.5, 5.5), (0.8, 6)])
    there = (np.abs(X) < width) & (np.abs(Y - middle) < height) & _some(rng, n, share)
    return np.where(there, picture, 1)


def _expose(rng, cloth, light):
    """Return the uint8 images: lit cloth with a little noise on a black background."""
    noise = rng.random(cloth.shape, dtype=np.float32) + rng.random(cloth.shape, dtype=np.float32)
    image = cloth * np.clip(light + 10 * (noise - 1), 1, 255)
    return (image + np.float32(0.5)).astype(np.uint8)


# Tools ----------------------------------------------------------------------------------------


def _between(rng, n, low, high):
    """Return one uniform number for each image, (n, 1, 1) float32."""
    return np.float32(low) + np.float32(high - low) * rng.random((n, 1, 1), dtype=np.float32)


def _some(rng, n, share):
    """Return True for a share of the images, (n, 1, 1)."""
    return rng.random((n, 1, 1), dtype=np.float32) < np.float32(share)


def _lean(rng, n, shift, slant):
    """Return the garment's middle line (n, 28, 1): shifted and slanted a little."""
    return _between(rng, n, -shift, shift) + _between(rng, n, -slant, slant) * (Y - SIZE / 2)


def _cover(distance):
    """Return the share of a pixel inside an outline, from its signed distance to it."""
    return np.clip(distance + np.float32(0.5), 0, 1)
