"""Widgets whose value is kept across pages and stands in the address."""

from streamlit.testing.v1 import AppTest


def five_widgets():
    import streamlit as st

    from pages.ui import kept, url

    url.begin("Test")
    fruits = {"apple": "An apple", "fig": "A fig", "pear": "A pear"}
    made = (
        kept.one_of(st.segmented_control, "One", fruits, key="one", default="apple", required=True),
        kept.several(st.multiselect, "Several", list(fruits), key="several", default=["fig"], most=2, label=fruits.get),
        kept.number(st.slider, "Number", 2, 9, key="number", default=5),
        kept.flag(st.toggle, "Switch", key="switch"),
        kept.text(st.text_input, "Text", key="text", default="none"),
    )
    st.session_state["made"] = made
    url.finish()


def opened(**address: str) -> AppTest:
    app = AppTest.from_function(five_widgets, default_timeout=300)
    for key, value in address.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception
    return app


def test_a_widget_starts_at_its_default_which_no_address_holds():
    app = opened()
    assert app.session_state["made"] == ("apple", ["fig"], 5, False, "none")
    assert dict(app.query_params) == {}


def test_a_widget_takes_its_value_from_the_address_within_what_is_offered():
    app = opened(one="fig", several="pear,plum,fig,apple", number="40", switch="on", text="Hello")
    assert app.session_state["made"] == ("fig", ["pear", "fig"], 9, True, "Hello")
    assert opened(one="plum", number="x", switch="yes").session_state["made"] == ("apple", ["fig"], 5, False, "none")


def test_what_is_chosen_is_called_by_its_words_and_stands_in_the_address():
    app = opened()
    one, several = app.segmented_control(key="one"), app.multiselect(key="several")
    assert one.options == ["An apple", "A fig", "A pear"]
    assert (several.options, several.max_selections) == (["An apple", "A fig", "A pear"], 2)
    one.set_value("pear")
    several.set_value(["apple", "pear"])
    app.slider(key="number").set_value(3)
    app.toggle(key="switch").set_value(True)
    app.text_input(key="text").set_value("")
    app.run()
    assert not app.exception
    assert app.session_state["made"] == ("pear", ["apple", "pear"], 3, True, "")
    said = {key: values if isinstance(values, str) else values[0] for key, values in app.query_params.items()}
    assert said == {"one": "pear", "several": "apple,pear", "number": "3", "switch": "on", "text": ""}
