"""`python -m sdkd_tf.commands`: the console command `sdkd` where no script is installed."""

from sdkd_tf.commands import main

main()
