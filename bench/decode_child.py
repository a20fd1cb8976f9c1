"""What decoding in a child process costs beside decoding in the caller's process, by format and size.

    bench/run decode_child.py [--release]          needs cargo, and Linux

Generated pictures are decoded by turns in both places, and the pixels are compared. Printed are medians and ratios; the
last line is one line of JSON. On a machine that does other work only the ratios say something.
"""
import argparse
import subprocess
import sys

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--release", action="store_true", help="with the optimisation of published programs")
options = parser.parse_args()
command = ["cargo", "run", "-q", "-p", "resight-decode-child", "--example", "beside"]
sys.exit(subprocess.run(command + ["--release"] * options.release).returncode)
