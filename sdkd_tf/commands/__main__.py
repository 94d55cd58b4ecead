"""`python -m sdkd_tf.commands` runs the console command `sdkd` without an installed script."""

from sdkd_tf.commands import main

main()
