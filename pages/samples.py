"""What are the samples, and how real?"""

import streamlit as st

from pages.shared import sentences, sidebar, wording
from pages.shared.caches import samples
from pages.shared.language import tr
from pages.shared.views import sample_card, sample_strip

sidebar.show_frame(tr("What are the samples, and how real?"))
st.write(tr(sentences.SAMPLES_PAGE))
known, _ = samples.found()
for modality in dict.fromkeys(sample.modality for sample in known):
    with st.expander(wording.plural(modality), expanded=True):
        sample_strip.show(sample_strip.of_modality(modality))
sample_card.show()
