"""Trains SDKD over a task sequence: python train.py --flagfile=configs/quickstart.flags"""

from absl import app, flags

from sdkd_tf.data import selection_flags
from sdkd_tf.errors import UserError, one_line_errors

FLAGS = flags.FLAGS

flags.DEFINE_string("run_dir", None, "Where to write the run.")
flags.DEFINE_string("data_dir", "rendered", "Data folder in any layout of the README, or `rendered` (bundled).")
flags.adopt_module_key_flags(selection_flags)
flags.DEFINE_bool("skip_bad_images", False, "Go on without the images that cannot be used, rather than stop.")
flags.DEFINE_string(
    "strategy",
    "sdkd",
    "Against forgetting: sdkd, lwf, ewc, online_ewc, gem, agem, generative_replay, replay, sdkd_replay; finetune (nothing); "
    "joint (all tasks so far, the ceiling).",
)
flags.DEFINE_integer("epochs", 4, "Passes over a task's training images.", lower_bound=1)
flags.DEFINE_integer("first_task_epochs", None, "The same for the first task; as --epochs if not given.", lower_bound=1)
flags.DEFINE_integer("batch_size", 16, "Images a step, of all replicas together.", lower_bound=1)
flags.DEFINE_float("learning_rate", 1e-4, "Learning rate at the start of a task.", lower_bound=0)
flags.DEFINE_float(
    "first_task_learning_rate", None, "The same for the first task; as --learning_rate if not given.", lower_bound=0
)
flags.DEFINE_enum("optimizer", "adam", ["adam", "sgd"], "sgd: with Nesterov momentum of .9.")
flags.DEFINE_enum(
    "schedule",
    "cosine",
    ["cosine", "exponential"],
    "How the rate falls in a task: along a cosine that would reach 0 after its last epoch, or by 2 % an epoch.",
)
flags.DEFINE_enum(
    "augmentation", "light", ["none", "light", "hard"],
    "Other views of the training images: crop, flip, colours, blur; hard: also zoomed out, half covered, dark.",
)  # fmt: skip
flags.DEFINE_integer("seed", 0, "Of weights, shuffling and augmentation.", 0, 2**32 - 1)
flags.DEFINE_bool("deterministic", False, "The same flags give the same bits on the same machine.")
flags.DEFINE_enum(
    "distribute", "none", ["none", "mirrored", "multi_worker"],
    "mirrored: over all GPUs of this machine; multi_worker: over the processes that TF_CONFIG names.",
)  # fmt: skip
flags.DEFINE_integer("keep_checkpoints", None, "Of how many last tasks to keep the network; all if not given.", 0)
flags.DEFINE_string("continue_from", None, "Run directory whose network learns these tasks after its own.")
flags.DEFINE_bool("overwrite", False, "Replace a run in --run_dir; without it, an unfinished one goes on.")

flags.DEFINE_string("architecture", "sdkd", "sdkd, or vgg16 (the baseline; of the flags below it has input_size only).")
NETWORK = (
    "input_size",
    "width",
    "decoder",
    "decoder_channels",
    "decoder_initializer",
    "refinement",
    "pooling",
    "detach_map",
    "attention_kernel",
    "batch_norm",
    "frozen_blocks",
    "weights",
)
flags.DEFINE_integer("input_size", 128, "Side of the network's input in pixels, a multiple of 32.")
flags.DEFINE_float("width", 1.0, "MobileNetV2's width multiplier.")
flags.DEFINE_enum("decoder", "full", ["full", "lite"], "lite: depthwise-separable convolutions in the decoders.")
flags.DEFINE_integer("decoder_channels", 32, "Width of the partial decoders.", lower_bound=1)
flags.DEFINE_enum(
    "decoder_initializer", "normal", ["normal", "glorot"], "How the decoders' weights start; normal: as CPD's."
)
flags.DEFINE_string("refinement", "reconstruct", "Refined layer: conv, reconstruct or none.")
flags.DEFINE_string("pooling", "mean", "Before the FC layer: mean, mass (divided by the map's mean) or max.")
flags.DEFINE_bool("detach_map", False, "Keep the classification's gradient out of the map (needs --saliency_weight).")
flags.DEFINE_integer(
    "attention_kernel", None, "Blur of holistic attention, in map pixels; CPD's share if not given.", lower_bound=1
)
flags.DEFINE_string("batch_norm", "frozen", "Backbone statistics: frozen, or adapt (follow the tasks).")
flags.DEFINE_integer("frozen_blocks", 0, "How many of blocks 1 to 5 keep their pretrained weights.")
flags.DEFINE_string("weights", "bundled", "Backbone: bundled, imagenet (downloads), none, or an .npz file.")

flags.DEFINE_float(
    "saliency_weight", 0.0, "Weight of CPD's supervision of both maps by the object masks.", lower_bound=0
)

# Of single strategies, each read only by those that name it in their `options`.
flags.DEFINE_float("lambda1", 1.0, "Weight of the factor-transfer loss (equation 3).", lower_bound=0)
flags.DEFINE_float("lambda2", 1.0, "Weight of the soft-target loss (equation 3).", lower_bound=0)
flags.DEFINE_float("temperature", 20.0, "T of the soft targets (equation 2).", lower_bound=1e-3)
flags.DEFINE_float("alpha", 0.7, "alpha of the soft targets (equation 2).", lower_bound=0)
flags.DEFINE_integer("factor_width", 8, "Channels of the factors.", lower_bound=1)
flags.DEFINE_enum("factor_reduction", "mean", ["mean", "sum"], "Of equation 1 over a factor's elements.")
flags.DEFINE_enum("soft_target_reduction", "batch", ["batch", "mean"], "Of equation 2: batch sums over classes.")
flags.DEFINE_float("teacher_share", 0.0, "What each task's end takes of the teacher's weights; 0: the paper.", 0, 1)
flags.DEFINE_float("ewc_lambda", 100.0, "Stiffness of EWC's springs.", lower_bound=0)
flags.DEFINE_float("ewc_gamma", 0.9, "What online EWC keeps of the stiffness after each task.", 0, 1)
flags.DEFINE_integer("fisher_images", 100, "Images of a task on which EWC measures Fisher information.", lower_bound=1)
flags.DEFINE_integer("memory_images", 200, "Images that experience replay keeps, of all tasks together.", lower_bound=0)
flags.DEFINE_integer("memory_images_per_task", 16, "Images that GEM and A-GEM keep of each task.", lower_bound=0)
flags.DEFINE_integer("generated_images", 200, "Images that generative replay draws before each task.", lower_bound=0)
flags.DEFINE_integer("generator_epochs", 30, "Passes in which generative replay's generator is trained.", lower_bound=1)


def main(argv):
    with one_line_errors():
        if len(argv) > 1:
            raise UserError(f"unexpected argument {argv[1]!r}; expected flags only")
        if not FLAGS.run_dir:
            raise UserError("--run_dir is missing; expected a directory to write to")
        if FLAGS.detach_map and not FLAGS.saliency_weight:
            raise UserError(
                "--detach_map needs --saliency_weight above 0: nothing else would teach the first task's map"
            )
        from sdkd_tf import lifelong, report  # imports TensorFlow: after --help and flag errors
        from sdkd_tf.learner import Learner
        from sdkd_tf.strategies import STRATEGIES

        strategy = STRATEGIES.get(FLAGS.strategy, Learner)  # lifelong.run refuses an unknown one
        lifelong.run(
            run_dir=FLAGS.run_dir,
            data_dir=FLAGS.data_dir,
            selection=selection_flags.selection(),
            skip_bad_images=FLAGS.skip_bad_images,
            strategy=FLAGS.strategy,
            epochs=FLAGS.epochs,
            first_task_epochs=FLAGS.first_task_epochs,
            batch_size=FLAGS.batch_size,
            learning_rate=FLAGS.learning_rate,
            first_task_learning_rate=FLAGS.first_task_learning_rate,
            optimizer=FLAGS.optimizer,
            schedule=FLAGS.schedule,
            augmentation=FLAGS.augmentation,
            seed=FLAGS.seed,
            deterministic=FLAGS.deterministic,
            distribute=FLAGS.distribute,
            keep_checkpoints=FLAGS.keep_checkpoints,
            continue_from=FLAGS.continue_from,
            overwrite=FLAGS.overwrite,
            architecture=FLAGS.architecture,
            network={
                name: FLAGS[name].value for name in (NETWORK if FLAGS.architecture != "vgg16" else ("input_size",))
            },
            options={name: FLAGS[name].value for name in ("saliency_weight", *strategy.options)},
            flagfile="".join(
                f"{flag.serialize()}\n"
                for flag in FLAGS.get_key_flags_for_module(argv[0])
                if flag.value is not None and flag.name != "overwrite"
            ),
        )
        print("\n" + report.summary(FLAGS.run_dir))


if __name__ == "__main__":
    app.run(main)
