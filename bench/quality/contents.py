"""What the made documents say. All of it is made up."""

from __future__ import annotations

from bench.quality.case import Block, Heading

HARBOUR: list[Block] = [
    Heading("Harbour report"),
    "The harbour of Northquay was opened again on 14 March 2019, after the dredging of the eastern basin had "
    "cost 3,482 thousand crowns. Ships of up to 12.5 metres of draught may now reach the grain silo at any "
    "tide, and the pilots expect about 640 calls in the coming year.",
    Heading("Traffic by quay"),
    [
        ["Quay", "Ships", "Tonnes", "Share"],
        ["East", "214", "48,310", "41.7%"],
        ["West", "187", "39,025", "33.7%"],
        ["Silo", "96", "28,440", "24.6%"],
    ],
    "Figures of the third quarter were corrected after invoice 2024-00817 had been found twice. The council "
    "will hear the harbour master at 9:30 on the first Monday of June.",
]
KITCHEN: list[Block] = [
    Heading("Winter kitchen"),
    "Soak 250 grams of white beans overnight and boil them without salt for 75 minutes. Meanwhile roast two "
    "onions in their skins, peel them while warm, and cut them into thick slices.",
    [
        ["Ingredient", "Grams", "Price"],
        ["White beans", "250", "1.85"],
        ["Onions", "320", "0.64"],
        ["Smoked butter", "40", "2.10"],
    ],
    Heading("What may go wrong"),
    "If the skins split early, the water was too hot. Old beans need up to 110 minutes and never grow soft "
    "in hard water; a pinch of soda helps. Serve everything with bread and the rest of the butter.",
]
LETTER: list[Block] = [
    Heading("Notice of a meeting"),
    "Dear members, the yearly meeting takes place in the old brewery on 21 September, and doors open at "
    "18:45. Whoever wishes to vote by proxy sends form 17-B to the secretary before the end of August.",
    "The board proposes to raise the fee from 48.00 to 52.50, as the lease of the boathouse has risen by "
    "9.4% since 2021. Accounts may be seen by appointment; please call 0457 218 390 in the evening.",
    "After the votes Mrs. Amsel will show pictures of the expedition along the upper river, during which "
    "three of the seven canoes were lost and all of the provisions were saved.",
]
CHINESE: list[Block] = [
    Heading("港口年度报告"),
    "北港在2019年重新开放,东港池的疏浚工程共投入3482万元。吃水十二米以下的船舶可以随时停靠粮食码头。",
    "理事会将于六月听取港务主任的报告,并讨论下一年度的预算安排。",
]
