"""What a bench owns: capabilities, links, and one folder a capability with its drivers and, beside each driver, the
simulator that speaks its wire. Drivers never import a simulator, nor the reverse; they share protocol tables only.
"""
