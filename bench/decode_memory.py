"""Measures what decoding takes against the estimate, for formats that the tests' encoders do not write.

    python3 bench/decode_memory.py          needs Pillow with AVIF, and cargo
"""
import os
import subprocess
import sys
import tempfile

from PIL import Image

W, H = 3000, 2000


def make(folder):
    base = Image.linear_gradient("L").resize((W, H))
    rgb = Image.merge("RGB", (base, base.rotate(180), base.transpose(Image.Transpose.FLIP_LEFT_RIGHT)))
    rgba = rgb.copy()
    rgba.putalpha(base)
    turned = Image.Exif()
    turned[0x0112] = 6
    save = lambda image, name, **how: image.save(os.path.join(folder, name), **how)
    save(rgb, "progressive-420.jpg", progressive=True)
    save(rgb, "progressive-444.jpg", progressive=True, subsampling=0, quality=95)
    save(base, "progressive-grey.jpg", progressive=True)
    save(rgb, "baseline-444.jpg", subsampling=0, quality=95)
    save(rgb, "turned.jpg", exif=turned)
    save(rgb, "progressive-turned.jpg", progressive=True, exif=turned)
    save(rgb.convert("CMYK"), "cmyk.jpg")
    save(rgb.convert("CMYK"), "progressive-cmyk.jpg", progressive=True)
    save(rgb, "lossy.webp", quality=80)
    save(rgba, "lossy-alpha.webp", quality=80)
    save(rgba, "lossless-alpha.webp", lossless=True, method=0)
    save(rgb.convert("P"), "palette.png")
    save(rgb, "interlaced-none.png", compress_level=1)
    save(rgb.convert("1"), "bits.png")
    save(rgb.convert("P"), "palette.gif")
    save(rgb.convert("P"), "palette.bmp")
    save(rgba, "alpha.bmp")
    for name in ("tiff_deflate", "tiff_lzw", "packbits", "jpeg"):
        save(rgb, f"{name}.tiff", compression=name)
    save(rgb, "one-strip.tiff", compression="tiff_deflate", tiffinfo={278: H})
    save(rgb.convert("CMYK"), "cmyk.tiff", compression="tiff_deflate")
    save(base.convert("I;16"), "l16-deflate.tiff", compression="tiff_deflate")
    save(rgb.convert("1"), "group4.tiff", compression="group4")
    for chroma in ("4:2:0", "4:4:4"):
        save(rgb, f"{chroma.replace(':', '')}.avif", subsampling=chroma, speed=10)
    save(rgba, "alpha.avif", speed=10)
    save(rgb, "turned.avif", speed=10, exif=turned)
    frames = [rgb, rgb.rotate(90), rgb.rotate(180)]
    save(frames[0], "animated.webp", save_all=True, append_images=frames[1:], quality=80)
    save(rgba, "animated-alpha.webp", save_all=True, append_images=[rgba.rotate(90)], quality=80)
    save(frames[0].convert("P"), "animated.gif", save_all=True, append_images=[f.convert("P") for f in frames[1:]])
    save(frames[0], "animated.png", save_all=True, append_images=frames[1:])


with tempfile.TemporaryDirectory() as folder:
    make(folder)
    command = ["cargo", "test", "-p", "resight-decode", "--test", "pictures", "memory", "--", "--nocapture"]
    sys.exit(subprocess.run(command, env={**os.environ, "RESIGHT_PICTURES": folder}).returncode)
