// What the documents of a campaign say of its finals and of the training of its shared weights.

export const isInFinals = ({ finals }) => finals?.state === "running";

export const isTrainingShared = ({ shared_training: training }) => training?.state === "running";

/** What finals are trained with, from the settings that name it. */
export const trainedWith = ({ recipe, profile }) => (recipe ? `recipe ${recipe}` : `profile ${profile}`);

/** The trial that is shown as the best: the one that finals rank first, or else that of the highest reward. */
export const bestKnown = ({ finals, best_trial: best }) => finals?.best ?? best;
